// T8 (docs/security.md), slow clients: a thousand clients send headers or bodies slowly, or read slowly, while another
// client must be served as usual. Usage: node slow.mjs BINARY
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { pause, register, withServer, good } from '../server.mjs';

const CONNECTIONS = Number(process.env.BATTERY_CONNECTIONS ?? 1000);
const LENGTH = Number(process.env.BATTERY_SECONDS ?? 60);
const P99_MS = Number(process.env.BATTERY_P99_MS ?? 200);
/** Seconds after the attack, or after the last new connection, until all resources must be free again. */
const FREE = 15;

const common = ['-c', String(CONNECTIONS), '-r', '200', '-l', String(LENGTH), '-p', '5'];
const attacks = (base, slug) => [
  ['headers', ['-H', '-i', '10', '-x', '24', '-u', `${base}/public/${slug}`]],
  ['body', ['-B', '-i', '10', '-s', '8192', '-x', '10', '-f', 'application/json', '-u', `${base}/api/auth/login`]],
  ['read', ['-X', '-n', '5', '-z', '32', '-w', '512', '-y', '1024', '-k', '3', '-u', `${base}/api/openapi.json`]],
];

await withServer('slow', { ALDIS_LOG: 'info' }, async (server) => {
  const faults = [];
  const team = await register(server.base);
  await good(team.call('POST', '/api/services', { name: 'API' }));
  const files = () => readdirSync(`/proc/${server.pid}/fd`).length;
  const before = files();
  for (const [name, options] of attacks(server.base, team.slug)) {
    const times = [];
    let failures = 0;
    const attack = spawn('slowhttptest', [...options, ...common], { stdio: 'ignore' });
    const end = new Promise((resolve, reject) => {
      attack.once('exit', resolve);
      attack.once('error', reject);
    });
    let running = true;
    let most = 0;
    void end.then(() => (running = false));
    const began = performance.now();
    let late = 0;
    while (running && performance.now() - began < (LENGTH + 30) * 1000) {
      const asked = performance.now();
      const answer = await fetch(`${server.base}/public/${team.slug}`).then(async (a) => ({ status: a.status, text: await a.text() }), () => null);
      times.push(performance.now() - asked);
      if (answer?.status !== 200) failures += 1;
      const now = files();
      most = Math.max(most, now);
      // All have come after `connections / rate` seconds; none of them may be held longer than this.
      if (performance.now() - began > (CONNECTIONS / 200 + FREE) * 1000) late = Math.max(late, now);
      await pause(20);
    }
    if (running) attack.kill('SIGKILL');
    await end;
    const freed = performance.now();
    while (files() > before + 20 && performance.now() - freed < FREE * 1000) await pause(200);
    times.sort((a, b) => a - b);
    const p99 = times[Math.floor(times.length * 0.99)];
    const left = files() - before;
    console.log(
      `slow ${name}: ${times.length} requests beside it, p99 ${p99.toFixed(0)} ms, ${failures} failures; files at most ` +
        `${most - before}, later ${late - before}, at the end ${left}`,
    );
    if (most < before + CONNECTIONS / 10) faults.push(`slow ${name}: the attack did not take place`);
    if (failures > 0) faults.push(`slow ${name}: ${failures} failures`);
    if (p99 > P99_MS) faults.push(`slow ${name}: p99 of ${p99.toFixed(0)} ms`);
    if (name !== 'read' && late > before + 50) faults.push(`slow ${name}: ${late - before} connections were held after ${FREE} s`);
    if (left > 20) faults.push(`slow ${name}: ${left} files are still open`);
  }
  if (faults.length > 0) throw new Error(faults.join('\n'));
});
