// The browser tests, against their own server. It logs everything, and its log is then searched for secrets.
import { spawnSync } from 'node:child_process';
import { appendFileSync, copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { start } from '../../end2end/server.mjs';
import { run } from './process.mjs';
import { findNoSecrets } from './secrets.mjs';

/** Runs the browser tests selected by these Playwright arguments. `whole` if that is all of them; otherwise the log is
 * too short to search. */
export async function journeys(log, binary, { args = [], whole = true } = {}) {
  const server = await start(binary, { ALDIS_LOG: 'trace' });
  const [secrets, report] = ['secrets', 'report.json'].map((name) => join(server.dir, name));
  writeFileSync(secrets, '');
  const faults = [];
  try {
    const env = { BASE_URL: server.base, ALDIS_TEST_BINARY: binary, ALDIS_TEST_SECRETS: secrets, PLAYWRIGHT_JSON_OUTPUT_NAME: report };
    const playwright = ['playwright', 'test', '--reporter=list,json', ...args];
    // The report has the details of failed tests.
    await run(log, 'npx', playwright, { cwd: 'end2end', env }).catch((error) => existsSync(report) || faults.push(error.message));
    if ((await server.end()) !== 0) faults.push('The server did not exit with 0 in time after SIGTERM.');
    const outcome = existsSync(report) ? outcomeOf(JSON.parse(readFileSync(report, 'utf8'))) : { failed: 0, faults: [] };
    if (whole) {
      try {
        appendFileSync(log, `${findNoSecrets(server.logFile, secrets)}\n`);
      } catch (error) {
        faults.push(error.message);
      }
    }
    const failed = outcome.failed + faults.length;
    if (failed > 0) copyFileSync(server.logFile, `${log}.server`);
    return { ...outcome, failed, faults: [...outcome.faults, ...faults], ground: browser() };
  } finally {
    await server.stop();
  }
}

/** Summarizes Playwright's report. A test that passed only on a retry is a fault too. */
function outcomeOf(report) {
  const all = [];
  const visit = (suite, path) => {
    for (const spec of suite.specs ?? []) {
      for (const test of spec.tests) all.push({ name: `${path} › ${spec.title} [${test.projectName}]`, test });
    }
    for (const inner of suite.suites ?? []) visit(inner, inner.file === inner.title ? inner.title : `${path} › ${inner.title}`);
  };
  for (const suite of report.suites) visit(suite, suite.title);
  const errors = ({ results }) => results.flatMap(({ errors }) => errors.map(({ message = '' }) => message));
  const bad = all.filter(({ test }) => ['unexpected', 'flaky'].includes(test.status));
  const faults = [
    ...report.errors.map(({ message }) => message),
    ...bad.flatMap(({ name, test }) => [`browser ${name} ${test.status === 'flaky' ? 'flaked' : 'failed'}`, ...errors(test).map(brief)]),
  ];
  const seconds = ({ results }) => results.reduce((sum, { duration }) => sum + duration / 1000, 0);
  const times = all.map(({ name, test }) => ({ name: `${name} (browser)`, seconds: seconds(test) }));
  const passed = all.filter(({ test }) => test.status === 'expected').length;
  const failed = bad.length + report.errors.length + (all.length === 0 ? 1 : 0);
  return { passed, failed, faults, times };
}

const brief = (message) =>
  message.replaceAll(/\x1b\[[0-9;]*m/g, '').split('\n').filter((line) => line.trim()).slice(0, 8).map((line) => `    ${line}`).join('\n');

/** The name and version of the browser that scripts/test has found. */
function browser() {
  const path = process.env.CHROMIUM_PATH;
  const output = path && spawnSync(path, ['--version'], { encoding: 'utf8' }).stdout;
  return output?.replace(/ built on.*/s, '').trim() || 'Chromium';
}
