// Durability: a killed process loses no acknowledged change. Writes from several clients, kills the server at a random
// moment, restarts it and compares. Usage: node durability.mjs BINARY [ROUNDS]
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, report } from './server.mjs';

const binary = process.argv[2];
const rounds = Number(process.argv[3] ?? 5);
const statuses = ['operational', 'degraded', 'partial_outage', 'major_outage'];
const dir = mkdtempSync(join(tmpdir(), 'aldis-durability-'));
const port = await freePort();
const base = `http://127.0.0.1:${port}`;
let server;

async function start() {
  const began = performance.now();
  const env = { PATH: process.env.PATH, ALDIS_LISTEN: `127.0.0.1:${port}`, ALDIS_LOG: 'warn', ALDIS_API_RATE: '1000000' };
  server = spawn(binary, [], { cwd: dir, env, stdio: ['ignore', 'ignore', 'inherit'] });
  for (;;) {
    if (await fetch(`${base}/readyz`).then((answer) => answer.ok, () => false)) return performance.now() - began;
    if (server.exitCode !== null || performance.now() - began > 20_000) throw new Error('the server did not start');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function kill() {
  return new Promise((resolve) => {
    server.once('exit', resolve);
    server.kill('SIGKILL');
  });
}

async function call(method, path, token, body) {
  const headers = { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) };
  const answer = await fetch(base + path, { method, headers, body: body && JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}

async function main() {
  await start();
  const { access_token: token } = await call('POST', '/api/auth/register', null, {
    email: 'ada@example.com', password: 'lantern over water 77', name: 'Ada', organization_name: 'Lasting',
  });
  const services = [];
  for (const name of ['one', 'two', 'three', 'four']) services.push(await call('POST', '/api/services', token, { name }));
  const expected = new Map(services.map((service) => [service.id, { acked: 0, sent: 0, changes: 0 }]));
  let total = 0;
  let slowest = 0;

  for (let round = 1; round <= rounds; round++) {
    let running = true;
    const writers = services.map(async ({ id }) => {
      const seen = expected.get(id);
      while (running) {
        seen.sent += 1;
        const body = { description: String(seen.sent), status: statuses[seen.sent % statuses.length] };
        try {
          await call('PUT', `/api/services/${id}`, token, body);
        } catch {
          return; // the kill
        }
        seen.acked = seen.sent;
        seen.changes += 1;
        total += 1;
      }
    });
    await new Promise((resolve) => setTimeout(resolve, 300 + Math.random() * 700));
    await kill();
    running = false;
    await Promise.all(writers);
    slowest = Math.max(slowest, await start());

    for (const { id, name } of services) {
      const seen = expected.get(id);
      const now = await call('GET', `/api/services/${id}`, token);
      const number = Number(now.description);
      if (number < seen.acked || number > seen.sent) {
        throw new Error(`round ${round}: ${name} is at ${number}; ${seen.acked} was acknowledged, ${seen.sent} sent`);
      }
      if (now.status !== statuses[number % statuses.length]) {
        throw new Error(`round ${round}: ${name} is half-written: ${JSON.stringify(now)}`);
      }
      const [latest] = await call('GET', `/api/services/${id}/history?limit=1`, token);
      if (latest && latest.new_status !== now.status) {
        throw new Error(`round ${round}: the history of ${name} disagrees with its status`);
      }
      seen.sent = number;
      seen.acked = number;
    }
  }
  if (total < rounds * 4) throw new Error(`only ${total} changes were acknowledged, which proves nothing`);
  console.log(`${rounds} kills, ${total} acknowledged changes, none lost; ready again in at most ${Math.round(slowest)} ms`);
  report(rounds);
}

try {
  await main();
} catch (error) {
  console.error(`durability: ${error.message}`);
  process.exitCode = 1;
} finally {
  if (server && server.exitCode === null) await kill();
  rmSync(dir, { recursive: true, force: true });
}
