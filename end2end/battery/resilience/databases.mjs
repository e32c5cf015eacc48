// Database servers of a script's own, which it may stop, kill, cut off and fill up: scripts/databases has those that stay.
// They keep what they have acknowledged when they are killed, unlike those.
import { execFile, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync, chownSync, closeSync, existsSync, mkdtempSync, openSync, readFileSync, readdirSync, rmSync,
  writeFileSync,
} from 'node:fs';
import { open, unlink } from 'node:fs/promises';
import { createServer, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '../../server.mjs';
import { Skipped, until } from './cases.mjs';

const isRoot = process.getuid() === 0;
/** PostgreSQL refuses to run as root, and the others should not. */
const user = isRoot ? { uid: Number(execFileSync('id', ['-u', 'nobody'])), gid: Number(execFileSync('id', ['-g', 'nobody'])) } : {};
const PASSWORD = randomBytes(12).toString('hex');
const DEBIAN = '/usr/lib/postgresql';
/** Runs a program to its end, without stopping the measurements beside it. */
export const execute = promisify(execFile);
const quiet = { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], timeout: 60_000 };

/** What must not outlive this script, however it ends. */
const running = new Set();
const folders = new Set();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
  for (const folder of folders) folder.remove();
});
for (const [signal, code] of [['SIGINT', 130], ['SIGTERM', 143], ['SIGHUP', 129]]) process.once(signal, () => process.exit(code));

/** A temporary folder, with a limit in megabytes on a file system of its own. */
export class Folder {
  constructor(megabytes) {
    this.path = mkdtempSync(join(tmpdir(), 'aldis-battery-'));
    this.isMounted = false;
    folders.add(this);
    if (megabytes === undefined) return;
    if (!isRoot) throw new Skipped('a file system of its own takes root');
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', this.path], quiet);
    this.isMounted = true;
  }

  /** Takes all the space that is left. */
  async fill() {
    const file = await open(join(this.path, 'filler'), 'w', 0o600);
    for (const size of [1 << 20, 1 << 12]) {
      try {
        for (const block = Buffer.alloc(size, 'x'); ; ) await file.write(block);
      } catch (error) {
        if (error.code !== 'ENOSPC') throw error;
      }
    }
    await file.close();
  }

  /** Gives it back. */
  free() {
    return unlink(join(this.path, 'filler'));
  }

  remove() {
    folders.delete(this);
    if (this.isMounted) execFileSync('umount', ['-l', this.path], quiet);
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** A server program in a folder, on a port of its own. */
class Server {
  constructor(folder, port) {
    Object.assign(this, { folder, port });
    if (isRoot) chownSync(folder.path, user.uid, user.gid);
    chmodSync(folder.path, 0o700);
  }

  async start() {
    const log = openSync(join(this.folder.path, `${this.name}.log`), 'a');
    const [program, ...options] = this.command();
    this.child = spawn(program, options, { cwd: this.folder.path, ...user, stdio: ['ignore', log, log] });
    closeSync(log);
    const { child } = this;
    running.add(child);
    child.once('exit', () => running.delete(child));
    child.once('error', () => {});
    await this.answers();
  }

  hasEnded() {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  async answers() {
    const took = await until(60_000, () => this.hasEnded() || this.isReady(), 50);
    if (took === Infinity || this.hasEnded()) {
      const log = readFileSync(join(this.folder.path, `${this.name}.log`), 'utf8');
      throw new Error(`${this.name} did not start:\n${log.split('\n').slice(-10).join('\n')}`);
    }
  }

  isReady() {
    return this.ask().then(() => true, () => false);
  }

  /** Sends a signal to the program and all of its processes: stopping the first of PostgreSQL's does not stop the others. */
  signal(name) {
    const { pid } = this.child;
    this.child.kill(name);
    const children = existsSync(`/proc/${pid}`) ? readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8') : '';
    for (const child of children.split(' ').filter(Boolean)) {
      try {
        process.kill(Number(child), name);
      } catch (error) {
        if (error.code !== 'ESRCH') throw error;
      }
    }
  }

  /** Kills all of it at once, or lets it shut down with its own signal. */
  async kill(signal = 'SIGKILL') {
    if (this.hasEnded()) return;
    const gone = new Promise((resolve) => this.child.once('exit', resolve));
    if (signal === 'SIGKILL') {
      // Stopped first, as it would end its processes itself or start new ones.
      this.signal('SIGSTOP');
      this.signal('SIGKILL');
    } else {
      this.signal('SIGCONT');
      this.child.kill(signal);
    }
    await gone;
  }

  async remove() {
    if (this.child) await this.kill(this.quit);
    this.folder.remove();
  }
}

export class MariaDb extends Server {
  name = 'MariaDB';
  /** The size of a small file system for it. */
  static MEGABYTES = 400;
  quit = 'SIGTERM';

  async create() {
    const prepare = ['--no-defaults', `--datadir=${this.folder.path}/data`, '--skip-test-db', '--skip-name-resolve'];
    prepare.push('--auth-root-authentication-method=normal', '--innodb-log-file-size=32M');
    await execute('mariadb-install-db', prepare, { ...quiet, ...user, cwd: this.folder.path });
    await this.start();
    // Not all privileges: the option `read_only` does not bind an administrator.
    await this.ask(`CREATE DATABASE aldis CHARACTER SET utf8mb4; CREATE USER aldis@'127.0.0.1' IDENTIFIED BY '${PASSWORD}';
      GRANT ALL ON aldis.* TO aldis@'127.0.0.1'`);
  }

  command() {
    const at = this.folder.path;
    return ['mariadbd', '--no-defaults', `--datadir=${at}/data`, `--socket=${at}/sock`, `--pid-file=${at}/pid`,
      '--bind-address=127.0.0.1', `--port=${this.port}`, '--skip-name-resolve', '--character-set-server=utf8mb4',
      '--innodb-buffer-pool-size=64M', '--innodb-log-file-size=32M', '--skip-log-bin'];
  }

  url(port = this.port) {
    return `mysql://aldis:${PASSWORD}@127.0.0.1:${port}/aldis`;
  }

  ask(statements = 'SELECT 1') {
    return execute('mariadb', ['--no-defaults', `--socket=${this.folder.path}/sock`, '--user=root', '-e', statements], quiet);
  }

  readOnly(isReadOnly) {
    return this.ask(`SET GLOBAL read_only = ${Number(isReadOnly)}`);
  }
}

export class Postgres extends Server {
  name = 'PostgreSQL';
  static MEGABYTES = 200;
  quit = 'SIGINT';

  /** The newest version's program. Debian keeps them off PATH. */
  static program(name) {
    const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN).sort((a, b) => Number(b) - Number(a)) : [];
    return versions.length > 0 ? join(DEBIAN, versions[0], 'bin', name) : name;
  }

  async create() {
    const [at, passwords] = [this.folder.path, join(this.folder.path, 'password')];
    writeFileSync(passwords, PASSWORD, { mode: 0o600 });
    if (isRoot) chownSync(passwords, user.uid, user.gid);
    const options = [`--pgdata=${at}/data`, '--username=aldis', `--pwfile=${passwords}`, '--auth-local=trust'];
    options.push('--auth-host=scram-sha-256', '--encoding=UTF8', '--locale=C.UTF-8', '--no-sync');
    await execute(Postgres.program('initdb'), options, { ...quiet, ...user, cwd: at });
    await this.start();
    await this.ask('CREATE DATABASE aldis');
  }

  command() {
    const at = this.folder.path;
    return [Postgres.program('postgres'), '-D', `${at}/data`, '-p', String(this.port), '-c', 'listen_addresses=127.0.0.1',
      '-c', `unix_socket_directories=${at}`, '-c', 'max_wal_size=64MB', '-c', 'min_wal_size=32MB'];
  }

  url(port = this.port) {
    return `postgres://aldis:${PASSWORD}@127.0.0.1:${port}/aldis`;
  }

  ask(statement = 'SELECT 1') {
    const env = { ...process.env, PGCONNECT_TIMEOUT: '5', PGOPTIONS: '-c default_transaction_read_only=off' };
    const options = ['-X', '-h', this.folder.path, '-p', String(this.port), '-U', 'aldis', '-d', 'postgres', '-c', statement];
    return execute('psql', options, { ...quiet, env });
  }

  async readOnly(isReadOnly) {
    await this.ask(isReadOnly ? 'ALTER SYSTEM SET default_transaction_read_only = on' : 'ALTER SYSTEM RESET default_transaction_read_only');
    await this.ask('SELECT pg_reload_conf()');
  }
}

export class Redis extends Server {
  name = 'Redis';
  quit = 'SIGTERM';

  create() {
    return this.start();
  }

  command() {
    const options = ['--bind', '127.0.0.1', '--port', String(this.port), '--requirepass', PASSWORD];
    return ['redis-server', ...options, '--save', '', '--appendonly', 'no'];
  }

  url() {
    return `redis://default:${PASSWORD}@127.0.0.1:${this.port}/0`;
  }

  async ask() {
    const env = { ...process.env, REDISCLI_AUTH: PASSWORD };
    const { stdout: answer } = await execute('redis-cli', ['-h', '127.0.0.1', '-p', String(this.port), 'PING'], { ...quiet, env });
    if (!answer.includes('PONG')) throw new Error(answer);
  }
}

/** Creates and starts a server, on a small file system if its disk is to become full. */
export async function served(Kind, { isSmall } = {}) {
  const server = new Kind(new Folder(isSmall ? Kind.MEGABYTES : undefined), await freePort());
  try {
    await server.create();
  } catch (error) {
    await server.remove();
    throw error;
  }
  return server;
}

/** A cable that can be cut: a proxy that then says nothing more, neither on open connections nor on new ones. */
export class Cable {
  #pairs = new Set();
  #isCut = false;

  async lay(port) {
    this.server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (near) => {
      const pair = { near, far: null };
      this.#pairs.add(pair);
      near.on('error', () => near.destroy());
      near.on('close', () => {
        pair.far?.destroy();
        this.#pairs.delete(pair);
      });
      pair.join = () => {
        const far = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
        pair.far = far;
        far.on('error', () => near.destroy());
        far.on('close', () => near.destroy());
        near.pipe(far);
        far.pipe(near);
      };
      if (!this.#isCut) pair.join();
    });
    await new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    this.port = this.server.address().port;
    return this;
  }

  cut() {
    this.#isCut = true;
    for (const { near, far } of this.#pairs) {
      near.unpipe();
      far?.unpipe();
      near.pause();
      far?.pause();
    }
  }

  /** Mends it: what was on its way arrives, as with TCP. */
  mend() {
    this.#isCut = false;
    for (const pair of this.#pairs) {
      if (!pair.far) pair.join();
      else {
        pair.near.pipe(pair.far);
        pair.far.pipe(pair.near);
      }
    }
  }

  remove() {
    this.server.close();
    for (const { near } of this.#pairs) near.destroy();
  }
}
