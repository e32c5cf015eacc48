// The parts of `make test` and `make check`. Called by scripts/test, which documents the options.
import { execFile } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { databases, sqliteVersion, stopDatabases } from './databases.mjs';
import { journeys } from './journeys.mjs';
import { endAll, run } from './process.mjs';
import * as rust from './rust.mjs';
import { endOf, Schedule } from './schedule.mjs';

const LOGS = 'target/test-logs';
const BINARY = resolve(`target/${rust.PROFILE}/aldis`);

/** The tests that need a database, on one kind of database. */
const onDatabase = (name, url) => async (log) => {
  const { env, version } = await databases(`${LOGS}/databases.log`);
  const chosen = url ? { ALDIS_TEST_DATABASE_URL: env[url] } : {};
  const outcome = await rust.check(log, { database: true, env: { ...env, ...chosen }, label: name });
  return { ...outcome, ground: `${url ? version(name) : sqliteVersion()}, ${version('Redis')}` };
};

/** A script that tests its own server and reports the number of its checks. */
const script = (file, ...args) => async (log) => {
  const report = `${log}.json`;
  rmSync(report, { force: true });
  await run(log, 'node', [file, BINARY, ...args], { env: { ALDIS_TEST_REPORT: report } });
  return { ...JSON.parse(readFileSync(report, 'utf8')), ground: sqliteVersion() };
};

/** Clippy on both halves, in the folder of the client's profile: it has the build scripts already, and does not wait
 * for the lock of the tests' folder. */
async function lints(log) {
  const clippy = (...args) => run(log, 'cargo', ['clippy', '--locked', '--profile', 'quick-client', ...args, '--', '-D', 'warnings']);
  const { stdout } = await promisify(execFile)('rustc', ['--print', 'host-tuple']);
  const outcomes = await inTurn(
    () => clippy('--package', 'aldis-client', '--target', 'wasm32-unknown-unknown'),
    () => clippy('--workspace', '--exclude', 'aldis-client', '--all-targets', '--target', stdout.trim()),
  );
  const faults = outcomes.filter((outcome) => outcome instanceof Error).map(({ message }) => message);
  return { failed: faults.length, faults: faults.length > 0 ? [...faults, ...endOf(log)] : [] };
}

/** Runs one job after the other, even if one fails. */
async function inTurn(...jobs) {
  const outcomes = [];
  for (const job of jobs) outcomes.push(await job().catch((error) => error));
  return outcomes;
}

const parts = {
  format: { title: 'Format (rustfmt)', check: (log) => run(log, 'cargo', ['fmt', '--all', '--check']) },
  build: {
    title: 'Build (client, styles, server)',
    cores: 2,
    check: (log) => run(log, 'cargo', ['xtask', 'build']),
  },
  lints: { title: 'Lints of both halves (clippy)', check: lints },
  'rust-build': { title: 'Build of the Rust tests', check: (log) => rust.build(log) },
  unit: {
    title: 'Rust tests without a database',
    after: ['rust-build'],
    check: (log) => rust.check(log, { database: false, label: 'unit' }),
  },
  sqlite: { title: 'Rust tests on SQLite', after: ['rust-build'], check: onDatabase('SQLite') },
  mariadb: { title: 'Rust tests on MariaDB', after: ['rust-build'], check: onDatabase('MariaDB', 'ALDIS_TEST_MYSQL_URL') },
  postgres: {
    title: 'Rust tests on PostgreSQL',
    after: ['rust-build'],
    check: onDatabase('PostgreSQL', 'ALDIS_TEST_POSTGRES_URL'),
  },
  durability: {
    title: 'Durability (kill -9 under load)',
    after: ['build'],
    check: script('end2end/durability.mjs', '5'),
  },
  hygiene: {
    title: 'Log hygiene (no secrets in a trace log)',
    after: ['build'],
    check: script('end2end/hygiene.mjs'),
  },
  browser: {
    title: 'Browser tests',
    after: ['build'],
    cores: 2,
    check: (log) => journeys(log, BINARY),
  },
  flakes: {
    title: 'Browser tests, each twenty times',
    after: ['build'],
    cores: 2,
    check: (log) => journeys(log, BINARY, { args: ['--repeat-each=20', ...process.argv.slice(3)], whole: false }),
  },
  journeys: {
    title: 'Browser tests with another binary',
    cores: 2,
    check: (log) => journeys(log, resolve(process.argv[3] ?? BINARY), { args: process.argv.slice(4), whole: false }),
  },
};

/** The parts without a database or a browser, to run before each commit. */
const QUICK = ['format', 'lints', 'rust-build', 'unit'];

function chosen() {
  const [option] = process.argv.slice(2);
  if (option === undefined) return Object.keys(parts).filter((name) => !['flakes', 'journeys'].includes(name));
  if (option === '--quick') return QUICK;
  if (option === '--flakes') return ['build', 'flakes'];
  if (option === '--journeys') return ['journeys'];
  const names = /^--only=(.+)$/.exec(option)?.[1].split(',');
  const unknown = names ? names.find((name) => !parts[name]) : option;
  if (unknown !== undefined) {
    console.error(`error: unknown part or option '${unknown}'. The parts: ${Object.keys(parts).join(', ')}`);
    process.exit(2);
  }
  // The parts that these depend on run first, so that nothing outdated is tested.
  return [...new Set([...names.flatMap((name) => parts[name].after ?? []), ...names])];
}

const schedule = new Schedule(parts, LOGS);
const finished = schedule.run(chosen());
let stopped;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, async () => {
    if (stopped) return;
    stopped = `by ${signal}`;
    schedule.stop();
    endAll('SIGTERM');
    // Running parts have servers to stop.
    await Promise.race([finished, new Promise((resolve) => setTimeout(resolve, 15_000))]);
    await stopDatabases();
    endAll('SIGKILL');
    schedule.report(stopped);
    process.exit(1);
  });
}
await finished;
await stopDatabases();
if (!stopped) process.exit(schedule.report() === 0 ? 0 : 1);
