// Kills a server 100 times on SQLite and 50 times on MariaDB and PostgreSQL under 50 writers, and 20 viewers who come back
// each time. Usage: node kills.mjs BINARY. BATTERY_ROUNDS, BATTERY_WRITERS and BATTERY_SOCKETS are the sizes, and
// BATTERY_READY_MS is the time within which the server must be ready again.
import { survive } from '../kills.mjs';
import { binary, run, size, summary, time } from './resilience/cases.mjs';
import { MariaDb, Postgres, served } from './resilience/databases.mjs';

const READY_MS = size('BATTERY_READY_MS', 2_000);
const shape = { writers: size('BATTERY_WRITERS', 50), viewers: size('BATTERY_SOCKETS', 20) };

for (const [name, Kind, usual] of [['SQLite', null, 100], ['MariaDB', MariaDb, 50], ['PostgreSQL', Postgres, 50]]) {
  await run(name, async (fault, figure) => {
    const rounds = size('BATTERY_ROUNDS', usual);
    const database = Kind && (await served(Kind));
    try {
      const settings = database ? { DATABASE_URL: database.url() } : {};
      const { changes, slowest, took, connections } = await survive(binary, { rounds, settings, ...shape });
      figure(`${rounds} kills, ${changes} acknowledged changes, none lost; ready again in at most ${time(slowest)}`);
      figure(`${shape.viewers} viewers right after ${connections} connections, ${time(took)} after the last kill`);
      if (slowest > READY_MS) fault(`ready only after ${time(slowest)}`);
    } finally {
      await database?.remove();
    }
  });
}
summary('kills');
