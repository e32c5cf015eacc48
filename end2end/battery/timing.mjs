// T2: answers that must look alike take as long as each other: a login with an unknown address, a wrong password, a
// disabled person; another organization's id and an id of nothing. Usage: node timing.mjs BINARY
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { client, good, register, withServer } from '../server.mjs';

const SAMPLES = Number(process.env.BATTERY_SAMPLES ?? 200);
/** Wrong passwords an account has before it must pause. */
const TRIES = 4;
const LOGIN_MS = 10;
const ID_MS = 5;

const median = (times) => times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)];

/** Asks in turns, so that whatever else the machine does strikes all kinds alike. */
async function compare(kinds, most, faults) {
  const times = new Map(kinds.map(([name]) => [name, []]));
  const answers = new Map();
  for (let round = -5; round < SAMPLES; round += 1) {
    for (const [name, ask] of round % 2 ? kinds : kinds.toReversed()) {
      const began = performance.now();
      const answer = await ask(round + 5);
      const took = performance.now() - began;
      if (round >= 0) times.get(name).push(took);
      answers.set(name, `${answer.status} ${answer.text}`);
    }
  }
  const medians = kinds.map(([name]) => [name, median(times.get(name))]);
  const spread = Math.max(...medians.map(([, time]) => time)) - Math.min(...medians.map(([, time]) => time));
  const alike = new Set(answers.values()).size === 1;
  const line = `${medians.map(([name, time]) => `${name} ${time.toFixed(2)} ms`).join(', ')}: apart by ${spread.toFixed(2)} ms`;
  console.log(`${line}${alike ? '' : ', and NOT alike'}`);
  if (!alike) faults.push(`told apart by what they say:\n${[...answers].map((answer) => answer.join(': ')).join('\n')}`);
  if (spread > most) faults.push(`told apart by time: ${line}`);
}

await withServer('timing', {}, async (server) => {
  const faults = [];
  const anybody = client(server.base);
  const people = [];
  const count = Math.ceil((SAMPLES + 5) / TRIES);
  for (let n = 0; n < count * 2; n += 1) people.push(await register(server.base));
  const [known, disabled] = [people.slice(0, count), people.slice(count)];
  const list = disabled.map(({ email }) => `'${email}'`).join(',');
  const sql = `PRAGMA busy_timeout = 5000; UPDATE user_account SET disabled_at = 1 WHERE email IN (${list});`;
  execFileSync('sqlite3', [join(server.dir, 'data/aldis.db'), sql]);
  const login = (email, password) => anybody('POST', '/api/auth/login', { email, password });
  await compare(
    [
      ['unknown', (n) => login(`nobody-${n}-${Math.random().toString(36).slice(2)}@example.test`, 'lantern over calm water 78')],
      ['wrong', (n) => login(known[Math.floor(n / TRIES)].email, 'lantern over calm water 78')],
      ['disabled', (n) => login(disabled[Math.floor(n / TRIES)].email, disabled[Math.floor(n / TRIES)].password)],
    ],
    LOGIN_MS,
    faults,
  );

  const [ours, theirs] = [await register(server.base), await register(server.base)];
  const service = await good(theirs.call('POST', '/api/services', { name: 'API' }));
  const group = await good(theirs.call('POST', '/api/groups', { name: 'Core' }));
  const incident = await good(theirs.call('POST', '/api/incidents', { title: 'Down' }));
  for (const [path, id, body] of [
    ['/api/services/', service.id, { name: 'x' }],
    ['/api/groups/', group.id, { name: 'x' }],
    ['/api/incidents/', incident.id, { title: 'x' }],
  ]) {
    // An id that could be: of the same moment.
    const unknown = id.slice(0, -4) + (id.endsWith('0000') ? '1111' : '0000');
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const sent = method === 'PUT' ? body : undefined;
      console.log(`${method} ${path}`);
      await compare(
        [
          ['foreign', () => ours.call(method, path + id, sent)],
          ['unknown', () => ours.call(method, path + unknown, sent)],
        ],
        ID_MS,
        faults,
      );
    }
  }
  if (faults.length > 0) throw new Error(faults.join('\n'));
});
