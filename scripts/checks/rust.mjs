// The Rust tests: all in one program, which lists its tests and runs those it is given.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { documents, run } from './process.mjs';

export const PROFILE = 'quick';

let program;

/** Builds the program. The compiler's output goes to the log. */
export async function build(log) {
  const args = ['test', '--no-run', '--locked', '--lib', '--profile', PROFILE];
  await run(log, 'cargo', args);
  const { stdout } = await promisify(execFile)('cargo', [...args, '--quiet', '--message-format=json'], {
    maxBuffer: 1 << 28,
  });
  const artifacts = stdout.split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
  program = artifacts.find(({ executable, profile }) => executable && profile?.test)?.executable;
  if (!program) throw new Error('cargo built no program with tests');
}

/** Whether a test needs a database. The others run only once, not on each database. */
const needsDatabase = (name) => name.startsWith('tests::') && !name.startsWith('tests::architecture::');

/** Runs the tests that need a database, or those that need none. */
export async function check(log, { database, env = {}, label }) {
  const { stdout } = await promisify(execFile)(program, ['--list', '--format', 'terse']);
  const names = [...stdout.matchAll(/^(.+): test$/gm)].map(([, name]) => name);
  const chosen = names.filter((name) => needsDatabase(name) === database);
  if (chosen.length === 0) throw new Error('no tests were found');
  // libtest's JSON format is unstable and needs RUSTC_BOOTSTRAP.
  const options = ['-Z', 'unstable-options', '--format', 'json', '--report-time', '--exact'];
  const environment = { env: { ...env, RUSTC_BOOTSTRAP: '1' } };
  const { code, documents: events } = await documents(log, program, [...options, ...chosen], environment);
  const tests = events.filter(({ type, event }) => type === 'test' && event !== 'started');
  const of = (event) => tests.filter((test) => test.event === event);
  const bad = [...of('failed'), ...of('timeout')];
  const unfinished = chosen.length - new Set(tests.map(({ name }) => name)).size;
  const faults = bad.flatMap(({ name, stdout }) => [`test ${name} failed`, ...panics(stdout)]);
  if (unfinished > 0) faults.push(`${unfinished} tests did not finish (exit ${code})`);
  const failed = bad.length + unfinished || Number(code !== 0);
  const times = tests.map(({ name, exec_time: seconds = 0 }) => ({ name: `${name} (${label})`, seconds }));
  return { passed: of('ok').length, failed, faults, times };
}

/** The first lines of a failed test's output. */
function panics(output = '') {
  return output.split('\n').filter(Boolean).slice(0, 8).map((line) => `    ${line.slice(0, 300)}`);
}
