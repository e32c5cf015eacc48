// A text that is deleted is gone within a second: from public documents in every encoding, from the states on disk and from
// ALDIS_SNAPSHOT_DIR, on the instance that was asked and on a second one. A text that was edited stays readable as an
// earlier version (docs/domain.md) until its update is deleted, with all versions.
//
// Usage: node withdrawal.mjs BINARY. BATTERY_ROUNDS is the number of texts for each way.
import { existsSync, mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { client, good, pause, start } from '../server.mjs';
import { binary, run, size, summary, time, until } from './resilience/cases.mjs';
import { Folder, MariaDb, Postgres, Redis, served } from './resilience/databases.mjs';
import { startBoth } from './resilience/instances.mjs';
import { filledPage } from './resilience/page.mjs';
import { get } from './resilience/traffic.mjs';

const ROUNDS = size('BATTERY_ROUNDS', 20);
const GONE_MS = size('BATTERY_GONE_MS', 1_000);
/** How long a text may take to be everywhere, on disk too; and how long it is looked for after it is gone. */
const THERE_MS = 15_000;
const WATCH_MS = 3_000;
const encodings = ['br', 'gzip', 'identity'];

/** A word that nothing else contains, and that is the same in HTML and JSON. */
const word = () => `secret${Array.from({ length: 20 }, () => String.fromCharCode(97 + Math.floor(Math.random() * 26))).join('')}`;

/** The first of several names. */
const some = (names) => `${names.slice(0, 3).join(', ')}${names.length > 3 ? ` and ${names.length - 3} more` : ''}`;

/** Publishes texts and withdraws them through the first server. */
async function withdrawing(servers, page, fault, figure) {
  const call = client(servers[0].base, page.token);
  const updates = `/api/incidents/${page.open.id}/updates`;
  const slowest = servers.map(() => 0);
  const places = servers.map((server) => new Places(server, page));
  let looked = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const way of ['deleted', 'edited and deleted']) {
      const secret = word();
      const { id } = await good(call('POST', updates, { message: `Call ${secret} at once.` }));
      if (way !== 'deleted') await good(call('PUT', `${updates}/${id}`, { message: 'Call us at once.' }));
      // Each server has it everywhere, as its readers have asked for it.
      for (const [n, place] of places.entries()) {
        let missing = [];
        const there = await until(THERE_MS, async () => (missing = await place.without(secret, way !== 'deleted')).length === 0, 100);
        if (there === Infinity) fault(`server ${n + 1}: the text was never in ${some(missing)}`);
        place.remember(await get(place.server.base + page.paths.page));
      }
      await good(call('DELETE', `${updates}/${id}`));
      const began = performance.now();
      const late = new Map();
      while (performance.now() - began < WATCH_MS) {
        for (const [n, place] of places.entries()) {
          const asked = performance.now() - began;
          const found = await place.with(secret);
          looked += 1;
          if (found.length === 0) continue;
          slowest[n] = Math.max(slowest[n], asked);
          if (asked > GONE_MS) late.set(n, `after ${time(asked)} still in ${some(found)}`);
        }
        // Often at first, then now and then: it might come back.
        await pause(performance.now() - began < GONE_MS ? 20 : 250);
      }
      for (const [n, what] of late) fault(`server ${n + 1}: ${way}, ${what}`);
    }
  }
  figure(`${2 * ROUNDS} texts, half of them edited before, looked for ${looked} times in ${places[0].count} places`);
  figure(`last seen ${slowest.map((at, n) => `on server ${n + 1} ${time(at)}`).join(', ')} after the answer`);
}

/** Everything public of one server: its answers and its files. */
class Places {
  count = 0;
  #tag = null;

  constructor(server, { paths, slug }) {
    Object.assign(this, { server, slug, paths: [...Object.values(paths), `/api/public/${slug}/timeline`] });
    this.saved = join(server.dir, 'data', 'snapshots');
  }

  /** Notes the tag of a page that has the text: it must not be said to be unchanged. */
  remember(answer) {
    this.#tag = answer.headers.etag;
  }

  /** The contents of all, by name. */
  async #all() {
    const answers = await Promise.all(
      this.paths.flatMap((path) =>
        encodings.map(async (encoding) => {
          const answer = await fetch(this.server.base + path, { headers: { 'accept-encoding': encoding } });
          return [`${path} (${encoding})`, await answer.text()];
        }),
      ),
    );
    const all = [...answers, ...texts(this.saved), ...texts(this.server.saved)];
    this.count = Math.max(this.count, all.length);
    return all;
  }

  /** Those that contain a text. */
  async with(secret) {
    const found = (await this.#all()).filter(([, text]) => text.includes(secret)).map(([name]) => name);
    if (found.length === 0 && this.#tag) {
      const again = await get(this.server.base + this.paths[0], undefined, { 'if-none-match': this.#tag });
      if (again.status === 304) found.push('the copy that 304 confirms');
    }
    return found;
  }

  /** Those that must contain a text before it is withdrawn, and do not. */
  async without(secret, isEdited) {
    const all = await this.#all();
    const isIn = (pattern) => all.some(([name, text]) => pattern.test(name) && text.includes(secret));
    // Months do not have the earlier versions.
    const paths = this.paths.slice(0, -1).filter((path) => !(isEdited && path.endsWith('/history')));
    const documents = paths.flatMap((path) => encodings.map((encoding) => `${path} (${encoding})`));
    const missing = documents.filter((wanted) => !all.some(([name, text]) => name === wanted && text.includes(secret)));
    if (!isIn(/\/data\/snapshots\//)) missing.push('the states on disk');
    for (const file of [`public/${this.slug}/index.html`, `api/public/${this.slug}/status.json`]) {
      for (const ending of ['', '.br', '.gz']) {
        const name = join(this.server.saved, file + ending);
        if (!all.some(([other, text]) => other === name && text.includes(secret))) missing.push(name);
      }
    }
    return missing;
  }
}

/** The texts of all files in a folder, uncompressed: also of those that are about to be renamed. */
function texts(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true }).flatMap((entry) => {
    const name = join(entry.parentPath ?? entry.path, entry.name);
    if (!entry.isFile()) return [];
    try {
      const bytes = readFileSync(name);
      return [[name, plain(name, bytes)]];
    } catch (error) {
      if (error.code === 'ENOENT') return [];
      throw error;
    }
  });
}

function plain(name, bytes) {
  try {
    if (/\.gz(\.\d+)?$/.test(name)) return gunzipSync(bytes).toString();
    if (/\.br(\.\d+)?$/.test(name)) return brotliDecompressSync(bytes).toString();
    // A state: a line that describes it, then the rest, compressed.
    const end = bytes.indexOf('\n') + 1;
    if (/\/data\/snapshots\//.test(name) && end > 0) return bytes.subarray(0, end) + brotliDecompressSync(bytes.subarray(end)).toString();
    return bytes.toString();
  } catch {
    // Half written: whatever is in it cannot be read yet.
    return bytes.toString();
  }
}

await run('SQLite, one instance', async (fault, figure) => {
  const folder = new Folder();
  let server;
  try {
    const saved = join(folder.path, 'pages');
    mkdirSync(saved);
    server = Object.assign(await start(binary, { ALDIS_SNAPSHOT_DIR: saved }, { ready: '/readyz?strict' }), { saved });
    await withdrawing([server], await filledPage(server.base), fault, figure);
  } finally {
    await server?.stop();
    folder.remove();
  }
});
for (const [name, Kind] of [['MariaDB', MariaDb], ['PostgreSQL', Postgres]]) {
  await run(`${name} and Redis, two instances`, async (fault, figure) => {
    const database = await served(Kind);
    let redis, both;
    try {
      redis = await served(Redis);
      both = await startBoth(binary, { DATABASE_URL: database.url(), REDIS_URL: redis.url() });
      await withdrawing(both.servers, await filledPage(both.servers[0].base), fault, figure);
    } finally {
      await both?.stop();
      await redis?.remove();
      await database.remove();
    }
  });
}
summary('withdrawal');
