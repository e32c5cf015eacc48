// Measures the public page against nginx and a bare axum server, side by side. docs/performance.md explains the goals.
// Usage: node page.mjs BINARY CEILING. scripts/bench lists the settings.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { client, good, pause, register, start } from '../end2end/server.mjs';
import { fill, slugOf, Sql } from './data.mjs';
import { past } from './past.mjs';
import { beside, ceiling, compressed, load, median, nginx, quantile, rss, timed } from './tools.mjs';

const GOALS = {
  P1: ['page, br, 64 connections, requests/s : nginx', '≥', 0.9, 1.1],
  P2: ['page, CPU µs a request : axum', '≤', 1.3, 1.1],
  P3: ['page, 512 connections, p99 ms : nginx', '≤', 1.5, 1.1],
  P4: ['304 by ETag, requests/s : axum', '≥', 0.85, 0.95],
  P5: ['p99 ms, 10 changes a second : quiet', '≤', 2, 1.2],
  P6: ['1 000 GETs at once of a cold page, sets of queries', '≤', 1, 1],
  P6b: ['organizations cold in turn, p99 ms : p50', '≤', 3, 2],
  P8: ['p99 ms, 8 logins in flight : quiet', '≤', 2, 1.3],
  G1: ['cold page, exponent of time by organizations', '≤', 0.05, 0],
  G2: ['cold page ms, 100 000 incidents : 12', '≤', 1.3, 1.1],
  G2b: ['list of incidents ms, 100 000 : 12', '≤', 1.3, 1.1],
  G2c: ['the other that grows most ms, 100 000 : 12', '≤', 1.3, 1.1],
  G3: ['memory KiB, 10 of all organizations read : 10 of few', '≤', 1.2, 1.05],
};
const ALL = ['P1', 'P2', 'P3', 'P4', 'P5', 'P6', 'P8', 'G1', 'G2', 'G3'];
const number = (name, usual) => {
  const value = Number(process.env[name] ?? usual);
  if (!Number.isInteger(value) || value < 1) throw new Error(`${name} must be a whole number from 1 on`);
  return value;
};
const words = (name, known, usual) => {
  const list = (process.env[name] ?? usual.join()).split(',').map((word) => word.trim()).filter(Boolean);
  const odd = list.find((word) => !known.includes(word));
  if (odd) throw new Error(`${name}: unknown ${odd}; known: ${known.join(', ')}`);
  return new Set(list);
};

const [binary, axum] = process.argv.slice(2).map((path) => resolve(path));
if (!axum) throw new Error('usage: node page.mjs BINARY CEILING');
const rounds = number('BENCH_ROUNDS', 7);
const seconds = number('BENCH_SECONDS', 3);
const goals = words('BENCH_GOALS', ALL, ALL);
const databases = words('BENCH_DATABASES', ['mariadb', 'postgres'], []);
const organizations = number('BENCH_ORGANIZATIONS', 10_000);
const incidents = number('BENCH_INCIDENTS', 100_000);
const FEW = 100;
const KEYS = { rate: 'requests/s', cpu: 'CPU µs a request', p99: 'p99 ms' };
const wants = (...names) => names.some((name) => goals.has(name));
const folder = mkdtempSync(join(tmpdir(), 'aldis-bench-'));
const running = new Set();
const rows = [];
const noise = [];
const notes = [];

const say = (text) => console.log(`==> ${text}`);

/**
 * Adds a line to the table. `measured` and `against` are values whose ratio counts; without the latter, the value.
 * `judged` is what it must be, if that is not in GOALS.
 */
function add(goal, measured, against, { name = goal, judged = GOALS[goal] } = {}) {
  const [what, sign, must, reach] = judged;
  const ratio = against === undefined ? measured : measured / against;
  const holds = (bound) => (sign === '≥' ? ratio >= bound : ratio <= bound);
  const verdict = holds(reach) ? 'reached' : holds(must) ? 'ok' : 'MISSED';
  const other = against === undefined ? '' : show(against);
  rows.push([name, what, `${sign} ${must}`, `${sign} ${reach}`, show(measured), other, show(ratio), verdict]);
}

const show = (value) => (value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(3));

/** Keeps what runs, so that it is stopped also when a measurement fails. */
async function keep(starting) {
  const server = await starting;
  running.add(server);
  const { stop } = server;
  server.stop = async () => {
    running.delete(server);
    await stop.call(server);
  };
  return server;
}

const settings = (name, more = {}) => ({
  DATABASE_URL: `sqlite://${folder}/${name}.db`,
  ALDIS_DATA_DIR: join(folder, 'data', name),
  ALDIS_CONNECTIONS_PER_IP: '9000',
  ...more,
});
const aldis = (wish) => keep(start(binary, wish));
const page = (server, slug) => `${server.base}/public/${slug}`;

/** A page with the header for which it answers 304; none if it does not. */
async function cached(target) {
  const answer = await fetch(target.url, { headers: { 'accept-encoding': 'br' } });
  await answer.arrayBuffer();
  const etag = answer.headers.get('etag');
  const headers = { 'if-none-match': etag };
  const again = etag && (await fetch(target.url, { headers: { ...headers, 'accept-encoding': 'br' } }));
  return again?.status === 304 ? { ...target, headers } : undefined;
}

/** P1 to P5 and P8: what a warm page costs, in rounds in which each server has its turn. Returns the medians. */
async function warm(wish, team) {
  const server = await aldis(wish);
  const url = page(server, 'standard');
  const html = Buffer.from(await (await fetch(url, { headers: { 'accept-encoding': 'identity' } })).arrayBuffer());
  const own = join(folder, 'compared');
  const file = compressed(own, html);
  const rivals = { nginx: await keep(nginx(own, file)), axum: await keep(ceiling(axum, file)) };
  const ours = { url, pid: server.pid };
  const lanes = {};
  if (wants('P1', 'P2', 'P5', 'P8')) lanes.ours = () => load(ours, 64, seconds);
  if (wants('P1')) lanes.nginx = () => load(rivals.nginx, 64, seconds);
  lanes.axum = () => load(rivals.axum, 64, seconds);
  if (wants('P3')) {
    lanes.ours512 = () => load(ours, 512, seconds);
    lanes.nginx512 = () => load(rivals.nginx, 512, seconds);
  }
  const unchanged = wants('P4') && (await cached(ours));
  if (unchanged) {
    const ceiling304 = await cached(rivals.axum);
    lanes.ours304 = () => load(unchanged, 64, seconds);
    lanes.axum304 = () => load(ceiling304, 64, seconds);
  }
  lanes.again = () => load(rivals.axum, 64, seconds);
  const call = client(server.base, team.token);
  if (wants('P5')) {
    const path = `/api/services/${team.services[99]}`;
    const change = (n) => good(call('PUT', path, { status: n % 2 ? 'operational' : 'degraded' }));
    lanes.changing = () => beside(() => load(ours, 64, seconds), 1, 100, change);
    // The quiet lanes and the 304 need the page as it was.
    lanes.changing.after = async () => change(1).then(() => pause(2500));
  }
  if (wants('P8')) {
    // Each lane has its own account: attempts on one account wait for each other.
    const people = [];
    while (people.length < 8) people.push(await register(server.base));
    const login = (n) => {
      const { email, password } = people[n % people.length];
      return good(client(server.base)('POST', '/api/auth/login', { email, password }));
    };
    lanes.logins = () => beside(() => load(ours, 64, seconds), 8, 0, login);
  }
  for (const name of Object.keys(lanes).filter((name) => !['changing', 'logins'].includes(name))) await lanes[name]();
  const results = Object.fromEntries(Object.keys(lanes).map((name) => [name, []]));
  for (let round = 1; round <= rounds; round++) {
    for (const [name, lane] of Object.entries(lanes)) {
      if (name === 'ours304' && !Object.assign(unchanged, await cached(ours)).headers) throw new Error('P4: no 304');
      results[name].push(await lane());
      await lane.after?.();
    }
    say(`round ${round} of ${rounds}`);
  }
  const medians = {};
  for (const [name, values] of Object.entries(results)) {
    medians[name] = Object.fromEntries(['rate', 'p99', 'cpu', 'pace'].map((key) => [key, median(values.map((value) => value[key]))]));
    const errors = values.reduce((sum, value) => sum + value.errors, 0);
    if (errors) notes.push(`${name}: ${errors} requests failed`);
  }
  for (const key of ['rate', 'p99', 'cpu']) {
    const ratios = results.axum.map((value, round) => results.again[round][key] / value[key]);
    noise.push([key, Math.min(...ratios), medians.again[key] / medians.axum[key], Math.max(...ratios)]);
  }
  for (const started of [server, rivals.nginx, rivals.axum]) await started.stop();
  return medians;
}

function judgeWarm({ ours, nginx: still, axum: bare, ours512, nginx512, ours304, axum304, changing, logins }) {
  if (wants('P1')) add('P1', ours.rate, still.rate);
  if (wants('P2')) add('P2', ours.cpu, bare.cpu);
  if (wants('P3')) add('P3', ours512.p99, nginx512.p99);
  if (wants('P4')) add('P4', ours304?.rate ?? 0, axum304?.rate);
  if (wants('P5')) add('P5', changing.p99, ours.p99);
  if (wants('P8')) add('P8', logins.p99, ours.p99);
  if (changing) notes.push(`P5: ${show(changing.pace)} changes a second${changing.pace < 9 ? ': TOO FEW, so P5 says little' : ''}`);
  if (logins) notes.push(`P8: ${show(logins.pace)} logins a second`);
}

/** The settings and teams of a new database on a database server. */
async function onServer(database, name, wish) {
  const setting = { mariadb: 'ALDIS_TEST_MYSQL_URL', postgres: 'ALDIS_TEST_POSTGRES_URL' }[database];
  const url = process.env[setting];
  if (!url) throw new Error(`${setting} is not set: run \`scripts/databases scripts/bench\``);
  new Sql(url).run(`DROP DATABASE IF EXISTS bench_${name}; CREATE DATABASE bench_${name};`);
  const own = settings(`${database}-${name}`, { DATABASE_URL: url.replace(/[^/]*$/, `bench_${name}`) });
  return { own, teams: await fill(aldis, own, wish) };
}

/** P6: what a thousand visitors of a page that nobody has asked for yet cost the database, by MariaDB's own log. */
async function herd() {
  const { own } = await onServer('mariadb', 'herd', { organizations: 2 });
  const sql = new Sql(own.DATABASE_URL);
  const server = await aldis(own);
  // How often the services of a page are read during some work.
  const counted = async (work) => {
    sql.run("SET GLOBAL log_output = 'TABLE'; TRUNCATE TABLE mysql.general_log; SET GLOBAL general_log = ON;");
    await work();
    await pause(500);
    sql.run('SET GLOBAL general_log = OFF;');
    const [count] = sql.run(
      "SELECT COUNT(*) FROM mysql.general_log WHERE command_type IN ('Execute', 'Query') AND argument LIKE '%FROM `service`%';",
    );
    return Number(count);
  };
  await timed(page(server, 'standard'));
  const one = await counted(() => timed(page(server, slugOf(0))));
  if (!one) throw new Error("P6: MariaDB's log has no statement on the services; are they read in another way now?");
  const agent = new Agent({ keepAlive: false, maxSockets: 1000 });
  const visit = () =>
    new Promise((done, failed) => {
      get(page(server, slugOf(1)), { agent, headers: { 'accept-encoding': 'br' } }, (answer) => {
        answer.resume().once('end', () => (answer.statusCode === 200 ? done() : failed(new Error(`herd: ${answer.statusCode}`))));
      }).once('error', failed);
    });
  const many = await counted(() => Promise.all(Array.from({ length: 1000 }, visit)));
  await server.stop();
  add('P6', many / one);
}

/** G1: the same number of cold pages of each database, so that both processes are as old. */
async function growth() {
  const found = { small: [], again: [], large: [] };
  for (let round = 0; round < rounds; round++) {
    for (const name of Object.keys(found)) found[name].push(...(await turn(name === 'large' ? name : 'small', FEW))[0]);
  }
  const [less, same, more] = Object.values(found).map(median);
  const exponent = (ratio) => Math.log(ratio) / Math.log(organizations / FEW);
  add('G1', exponent(more / less));
  notes.push(`G1: ${show(less)} and ${show(more)} ms; noise of the exponent ${exponent(same / less).toFixed(3)}`);
}

/** The times of the copied organizations of a database, in turn, in ms: of cold pages, or also of the same once more. */
async function turn(name, count, turns = 1) {
  const server = await aldis(settings(name));
  for (let n = 0; n < 20; n++) await timed(page(server, slugOf(n)));
  const times = Array.from({ length: turns }, () => []);
  for (const each of times) for (let n = 20; n < count; n++) each.push(await timed(page(server, slugOf(n))));
  await server.stop();
  return times;
}

/** G2, on a database. */
async function judgePast(settings, teams, suffix = '') {
  const found = await past(aldis, settings, teams, rounds);
  const growth = ({ less, more }) => more / less;
  const judged = { page: 'G2', list: 'G2b' };
  const [slowest] = found.filter(({ name }) => !judged[name]).sort((a, b) => growth(b) - growth(a));
  for (const one of [...found.filter(({ name }) => judged[name]), slowest]) {
    const goal = judged[one.name] ?? 'G2c';
    add(goal, one.more, one.less, { name: goal + suffix });
  }
  const line = (one) => `${one.name} ${show(one.less)} → ${show(one.more)} (${show(growth(one))}, noise ${show(one.same / one.less)})`;
  notes.push(`G2${suffix}, ms: ${found.map(line).join('; ')}`);
}

/** G3: the memory of a new process that has served ten organizations, each ten times. */
async function memory(name) {
  const server = await aldis(settings(name));
  for (let round = 0; round < 10; round++) for (let n = 0; n < 10; n++) await timed(page(server, slugOf(n)));
  await pause(3000);
  const kib = rss(server.pid);
  await server.stop();
  return kib;
}

/** Measures something; if that fails, the others are still measured. */
async function attempt(work) {
  try {
    await work();
  } catch (error) {
    console.error(`error: ${error.message}`);
    notes.push(`Not measured: ${error.message.split('\n', 1)[0]}`);
    process.exitCode = 1;
    await Promise.allSettled([...running].map((server) => server.stop()));
  }
}

async function measure() {
  const needsWarm = wants('P1', 'P2', 'P3', 'P4', 'P5', 'P8');
  const needsLarge = wants('P6', 'G1', 'G2', 'G3');
  if (!needsWarm && !needsLarge) throw new Error('BENCH_GOALS names no goal');
  say('Filling the databases');
  const small = await fill(aldis, settings('small'), { organizations: FEW });
  if (needsWarm) {
    say(`The warm page: ${rounds} rounds of ${seconds} s for each server`);
    await attempt(async () => judgeWarm(await warm(settings('small'), small.standard)));
  }
  if (needsLarge) {
    say(`Adding ${organizations} organizations and ${incidents} incidents`);
    const large = await fill(aldis, settings('large'), { organizations, incidents });
    if (wants('P6')) await attempt(herd);
    await attempt(async () => {
      if (!wants('P6', 'G1')) return;
      say('Cold pages in turn');
      if (wants('P6')) {
        const [cold, again] = await turn('large', organizations, 2);
        add('P6b', quantile(cold, 0.99), quantile(cold, 0.5));
        notes.push(`P6b: from memory p99 ${show(quantile(again, 0.99))} ms, p50 ${show(quantile(again, 0.5))} ms`);
      }
      if (wants('G1')) await growth();
    });
    if (wants('G2')) await attempt(() => judgePast(settings('large'), large));
    for (const database of wants('G2') ? databases : []) {
      await attempt(async () => {
        say(`The past on ${database}`);
        const { own, teams } = await onServer(database, 'past', { organizations: FEW, incidents });
        await judgePast(own, teams, ` ${database}`);
      });
    }
    await attempt(async () => {
      if (!wants('G3')) return;
      const kib = { small: [], large: [] };
      for (let round = 0; round < 3; round++) for (const name of ['small', 'large']) kib[name].push(await memory(name));
      add('G3', median(kib.large), median(kib.small));
    });
  }
  if (databases.size && wants('P1', 'P2', 'P3', 'P4')) await attempt(alike);
}

/** G5: the warm page on other databases and on SQLite, in the same rounds; on SQLite twice, which is the noise. */
async function alike() {
  say(`The warm page on ${[...databases].join(' and ')}`);
  const servers = { sqlite: await aldis(settings('small')) };
  for (const database of databases) servers[database] = await aldis((await onServer(database, 'small', { organizations: FEW })).own);
  servers.again = servers.sqlite;
  const keys = { P1: 'rate', P2: 'cpu', P3: 'p99', P4: 'rate' };
  const found = {};
  const names = Object.keys(servers);
  for (let round = 0; round <= rounds; round++) {
    names.push(names.shift());
    for (const name of names) {
      const target = { url: page(servers[name], 'standard'), pid: servers[name].pid };
      const values = { 64: await load(target, 64, seconds), 512: wants('P3') && (await load(target, 512, seconds)) };
      const unchanged = wants('P4') && (await load(await cached(target), 64, seconds));
      // The first round is a warm-up.
      if (round) (found[name] ??= []).push({ P1: values[64], P2: values[64], P3: values[512], P4: unchanged });
    }
  }
  for (const server of new Set(Object.values(servers))) await server.stop();
  const of = (name, goal, key) => median(found[name].map((values) => values[goal][key]));
  for (const [goal, usual] of Object.entries(keys).filter(([goal]) => wants(goal))) {
    const ratio = (name, key) => of(name, goal, key) / of('sqlite', goal, key);
    // Where SQLite differs from itself by more than the others may, CPU time decides.
    const key = Math.abs(ratio('again', usual) - 1) > 0.05 ? 'cpu' : usual;
    const what = `${goal === 'P3' ? '512' : '64'} connections${goal === 'P4' ? ', 304' : ''}, ${KEYS[key]} : SQLite`;
    const judged = key === 'rate' ? [what, '≥', 0.95, 1] : [what, '≤', 1.05, 1];
    for (const database of databases) {
      add(goal, of(database, goal, key), of('sqlite', goal, key), { name: `G5 ${goal} ${database}`, judged });
    }
    const all = [...databases, 'again'].map((name) => `${name} ${show(ratio(name, usual))}, CPU ${show(ratio(name, 'cpu'))}`);
    notes.push(`G5 ${goal}, ${KEYS[usual]}: ${all.join('; ')}`);
  }
}

function table() {
  const head = ['goal', 'what', 'must', 'reach', 'measured', 'ceiling', 'ratio', ''];
  const line = (cells) => `| ${cells.join(' | ')} |`;
  const widths = head.map((title, column) => Math.max(3, title.length, ...rows.map((row) => row[column].length)));
  const padded = (cells) => line(cells.map((cell, column) => cell.padEnd(widths[column])));
  const heading = `${rounds} rounds of ${seconds} s; medians`;
  const spread = noise.map(([key, least, middle, most]) => `${key} ${show(middle)} (${show(least)}–${show(most)})`);
  return [
    heading, '', padded(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(padded), '',
    ...(spread.length ? [`Noise, the bare axum server against itself: ${spread.join(', ')}`, ''] : []), ...notes.flatMap((note) => [note, '']),
  ].join('\n');
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => void cleanUp().then(() => process.exit(130)));
async function cleanUp() {
  await Promise.allSettled([...running].map((server) => server.stop()));
  rmSync(folder, { recursive: true, force: true });
}

try {
  await measure();
} catch (error) {
  console.error(`error: ${error.message}`);
  process.exitCode = 1;
} finally {
  await cleanUp();
  if (rows.length) console.log(`\n${table()}`);
  if (rows.length && process.env.BENCH_REPORT) writeFileSync(process.env.BENCH_REPORT, table());
}
