// Kills a server at random moments while clients write to it, starts it again and compares.
import { good, pause, register, start } from './server.mjs';
import { settled, viewers as open } from './viewer.mjs';

const statuses = ['operational', 'degraded', 'partial_outage', 'major_outage'];
/** How long viewers may take after the last start, in milliseconds: they wait up to half a minute between attempts. */
const SETTLE_MS = 60_000;

/**
 * Kills the server `rounds` times under `writers`, each of which changes a service of its own as fast as it is answered,
 * while `viewers` look on. Throws when an acknowledged change is lost or half written, when the history disagrees with
 * the status, or when a viewer does not end with the state of the database.
 */
export async function survive(binary, { rounds, writers, viewers = 0, settings = {} }) {
  let server = await start(binary, settings, { ready: '/readyz?strict' });
  const watching = [];
  try {
    const { call, slug } = await register(server.base);
    const services = [];
    for (let n = 0; n < writers; n += 1) {
      const { id } = await good(call('POST', '/api/services', { name: `Service ${n}` }));
      services.push({ id, acked: 0, sent: 0 });
    }
    watching.push(...(await open(viewers, server.base, slug)));
    let changes = 0;
    let slowest = 0;
    for (let round = 1; round <= rounds; round += 1) {
      let isRunning = true;
      const writing = services.map(async (seen) => {
        while (isRunning) {
          seen.sent += 1;
          const body = { description: String(seen.sent), status: statuses[seen.sent % statuses.length] };
          const answer = await call('PUT', `/api/services/${seen.id}`, body).catch(() => null);
          if (!answer) return; // the kill
          if (answer.status !== 200) {
            // A refused change was not made.
            seen.sent -= 1;
            if (answer.status !== 503) throw new Error(`round ${round}: ${answer.status} ${answer.text}`);
            await pause(50);
            continue;
          }
          seen.acked = seen.sent;
          changes += 1;
        }
      });
      await pause(300 + Math.random() * 700);
      await server.kill();
      isRunning = false;
      await Promise.all(writing);
      server = await server.again();
      slowest = Math.max(slowest, server.startedIn);
      await Promise.all(services.map((seen) => compare(call, seen, round)));
    }
    if (changes < rounds * writers) throw new Error(`only ${changes} changes were acknowledged, which proves nothing`);
    const { wrong, took } = await settled(watching, () => good(call('GET', '/api/services')), SETTLE_MS);
    if (wrong > 0) throw new Error(`${wrong} of ${viewers} viewers do not show the state of the database`);
    return { changes, slowest, took, connections: watching.reduce((sum, viewer) => sum + viewer.connections, 0) };
  } finally {
    for (const viewer of watching) viewer.close();
    await server.stop();
  }
}

async function compare(call, seen, round) {
  const now = await good(call('GET', `/api/services/${seen.id}`));
  const number = Number(now.description);
  if (number < seen.acked || number > seen.sent) {
    throw new Error(`round ${round}: ${now.name} is at ${number}; ${seen.acked} was acknowledged, ${seen.sent} sent`);
  }
  if (number > 0 && now.status !== statuses[number % statuses.length]) {
    throw new Error(`round ${round}: ${now.name} is half-written: ${JSON.stringify(now)}`);
  }
  const [latest] = await good(call('GET', `/api/services/${seen.id}/history?limit=1`));
  if (latest && latest.new_status !== now.status) {
    throw new Error(`round ${round}: the history of ${now.name} disagrees with its status`);
  }
  seen.sent = number;
  seen.acked = number;
}
