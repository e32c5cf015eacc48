// Two instances behind nginx, on MariaDB and PostgreSQL: a change through one is in the documents and the live feeds
// of the other, with Redis at once, without it within seconds; and nothing is lost while Redis is away.
//
// Usage: node instances.mjs BINARY. BATTERY_CHANGES is the number of changes, BATTERY_SECONDS how long Redis is away,
// BATTERY_SOCKETS the number of live feeds at each instance, BATTERY_P99_MS the limit.
import { client, good, pause } from '../server.mjs';
import { settled, viewers as open } from '../viewer.mjs';
import { binary, quantile, run, size, summary, time, until } from './resilience/cases.mjs';
import { MariaDb, Postgres, Redis, served } from './resilience/databases.mjs';
import { startBoth } from './resilience/instances.mjs';
import { filledPage } from './resilience/page.mjs';
import { get } from './resilience/traffic.mjs';

const CHANGES = size('BATTERY_CHANGES', 200);
const SECONDS = size('BATTERY_SECONDS', 30);
const SOCKETS = size('BATTERY_SOCKETS', 10);
const P99_MS = size('BATTERY_P99_MS', 300);
/** Until changes arrive without Redis; a few seconds more until all viewers, which may have to reload, have them. */
const LATE_MS = 10_000;
const SETTLE_MS = 40_000;
/** Time between two changes, so that each is seen by itself. */
const REST_MS = 50;
/** How many changes are made without Redis. */
const WITHOUT = Math.min(CHANGES, 10);

for (const [name, Kind] of [['MariaDB', MariaDb], ['PostgreSQL', Postgres]]) {
  const on = (title, hasRedis, work) =>
    run(`${name}, ${title}`, async (fault, figure) => {
      const database = await served(Kind);
      let redis, both;
      const watching = [];
      try {
        redis = hasRedis && (await served(Redis));
        both = await startBoth(binary, { DATABASE_URL: database.url(), ...(redis && { REDIS_URL: redis.url() }) });
        const page = await filledPage(both.bases[0]);
        // Both through their own address and through the shared one, which leads to either.
        for (const base of [...both.bases, both.base]) watching.push(...(await open(SOCKETS, base, page.slug)));
        await Promise.all(both.bases.flatMap((base) => Object.values(page.paths).map((path) => get(base + path))));
        await work({ both, page, watching, redis, fault, figure });
      } finally {
        for (const viewer of watching) viewer.close();
        await both?.stop();
        if (redis) await redis.remove();
        await database.remove();
      }
    });
  await on('with Redis', true, (setting) => arriving(setting, CHANGES, 0.99, P99_MS));
  await on('without Redis', false, (setting) => arriving(setting, WITHOUT, 1, LATE_MS));
  await on('Redis killed', true, losingRedis);
}
summary('instances');

/** Changes through one instance, one after the other, and how long the other takes to have each. */
async function arriving({ both, page, watching, fault, figure }, changes, share, limit) {
  const [one, other] = both.bases;
  const call = client(one, page.token);
  const took = { page: [], status: [], sockets: [] };
  const arrivals = new Map();
  for (const viewer of watching) {
    viewer.onEvent = ({ data }) => {
      if (data?.id === page.beacon.id) arrivals.get(data.description)?.push(performance.now());
    };
  }
  for (let n = 0; n < changes; n += 1) {
    // The feed may be faster than the answer.
    const sent = performance.now();
    const expected = `mark-${n + 1}.`;
    arrivals.set(expected, []);
    const { answer, text } = await page.mark(call);
    if (answer.status !== 200 || text !== expected) throw new Error(`change ${n}: ${answer.status} ${answer.text}`);
    const began = performance.now();
    const has = (path) => until(limit + LATE_MS, () => get(other + path).then((answer) => answer.text.includes(text), () => false), 5);
    const [ofPage, ofStatus] = await Promise.all([has(page.paths.page), has(page.paths.status)]);
    await until(limit + LATE_MS, () => arrivals.get(text).length >= watching.length, 5);
    took.page.push(ofPage);
    took.status.push(ofStatus);
    const of = arrivals.get(text);
    const missing = watching.length - of.length;
    took.sockets.push(...of.map((at) => Math.max(0, at - began)), ...Array(missing).fill(Infinity));
    if (began - sent > 5_000) fault(`change ${n} took ${time(began - sent)}`);
    await pause(REST_MS);
  }
  for (const [what, values] of Object.entries(took)) {
    const late = quantile(values, share);
    const missing = values.filter((value) => value === Infinity).length;
    figure(`${what}: p50 ${time(quantile(values, 0.5))}, p99 ${time(quantile(values, 0.99))}, at most ${time(Math.max(...values))}`);
    if (late > limit) fault(`${what}: ${time(late)}${missing > 0 ? `; ${missing} of ${values.length} did not arrive` : ''}`);
  }
  figure(`${changes} changes, ${watching.length} feeds`);
  await ending({ both, page, watching, fault, figure });
}

/** Redis dies under changes through both instances, and comes back. */
async function losingRedis({ both, page, watching, redis, fault, figure }) {
  const counts = { saved: 0, refused: 0 };
  let isRunning = true;
  const changing = (async () => {
    for (let n = 0; isRunning; n += 1) {
      const { answer } = await page.mark(client(both.bases[n % 2], page.token));
      counts[answer.status === 200 ? 'saved' : 'refused'] += 1;
      await pause(100);
    }
  })();
  await pause(2_000);
  await redis.kill();
  await pause(SECONDS * 1000);
  await redis.start();
  await pause(3_000);
  isRunning = false;
  await changing;
  figure(`${counts.saved} changes through both`);
  if (counts.refused > 0) fault(`${counts.refused} changes were refused`);
  await ending({ both, page, watching, fault, figure });
}

/** Every document and every viewer ends with the state of the database. */
async function ending({ both, page, watching, fault, figure }) {
  const list = () => good(client(both.base, page.token)('GET', '/api/services'));
  const { description } = (await list()).find(({ id }) => id === page.beacon.id);
  const began = performance.now();
  for (const base of both.bases) {
    for (const path of [page.paths.page, page.paths.status]) {
      const took = await until(LATE_MS, () => get(base + path).then((answer) => answer.text.includes(description), () => false));
      if (took === Infinity) fault(`${base}${path} is not up to date in the end`);
    }
  }
  const documents = performance.now() - began;
  const { wrong, took } = await settled(watching, list, SETTLE_MS);
  if (wrong > 0) fault(`${wrong} of ${watching.length} viewers do not show the database's state in the end`);
  figure(`all right ${time(documents)} (documents) and ${time(documents + took)} (viewers) after the last change`);
}
