// The database servers for the tests: started by the first part that needs them, stopped at the end.
import { readFileSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { start } from './process.mjs';

let servers;
let started;

/** The servers' settings (`ALDIS_TEST_…_URL`) and versions. */
export function databases(log) {
  started ??= open(log);
  return started;
}

async function open(log) {
  // If this process is killed, the kernel signals the script, which then stops its servers.
  servers = start(log, 'setpriv', ['--pdeathsig', 'TERM', 'scripts/databases']);
  let text = '';
  await new Promise((resolve, reject) => {
    servers.stdout.setEncoding('utf8').on('data', (chunk) => {
      text += chunk;
      if (text.includes('Serving until')) resolve();
    });
    void servers.ended.then(() => reject(new Error('The database servers did not start.')));
  });
  const env = Object.fromEntries([...text.matchAll(/^export (ALDIS_TEST_\w+)=(.*)$/gm)].map(([, name, url]) => [name, url]));
  const version = (name) => new RegExp(`^# (${name} .*)$`, 'm').exec(text)?.[1] ?? name;
  return { env, version };
}

export async function stopDatabases() {
  if (servers) await servers.end('SIGTERM', 40_000);
  servers = started = undefined;
}

/** The version of the bundled SQLite, from the source of the locked crate. */
export function sqliteVersion() {
  try {
    const [, version] = /^name = "libsqlite3-sys"\nversion = "(.*)"/m.exec(readFileSync('Cargo.lock', 'utf8'));
    const sources = join(process.env.CARGO_HOME ?? join(homedir(), '.cargo'), 'registry/src');
    const [registry] = readdirSync(sources);
    const header = join(sources, registry, `libsqlite3-sys-${version}/sqlite3/sqlite3.h`);
    return `SQLite ${/^#define SQLITE_VERSION\s+"(.*)"/m.exec(readFileSync(header, 'utf8'))[1]}`;
  } catch {
    return 'SQLite';
  }
}
