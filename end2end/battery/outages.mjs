// A database dies under a constant load of visitors: public documents go on, with a notice and their age while it cannot
// be read, also after a restart of the server; they are up to date again when it is back.
//
// Usage: node outages.mjs BINARY. BATTERY_SECONDS is how long each database is away, BATTERY_RATE the requests a second
// for each document, BATTERY_SOCKETS the number of open live feeds, BATTERY_CASES chooses cases.
import { client, pause, start } from '../server.mjs';
import { settled, viewers as open } from '../viewer.mjs';
import { binary, quantile, run, size, summary, time, until } from './resilience/cases.mjs';
import { cases } from './resilience/deaths.mjs';
import { filledPage } from './resilience/page.mjs';
import { Visitors, get, judged, noticeIn } from './resilience/traffic.mjs';

const SECONDS = size('BATTERY_SECONDS', 60);
const RATE = size('BATTERY_RATE', 20);
const SOCKETS = size('BATTERY_SOCKETS', 20);
const P99_MS = size('BATTERY_P99_MS', 100);
/** Until the notice is there, until everything is up to date again, and until a restarted server answers. */
const NOTICE_MS = 10_000;
const FRESH_MS = 10_000;
const RESTART_MS = 5_000;
/** How long before its death the database was last known to be right: asked every other second, noted on disk every 30. */
const VERIFIED_MS = 5_000;
const SAVED_MS = 45_000;
/** A viewer that was disconnected waits up to half a minute before it tries again, and for a ping. */
const SETTLE_MS = 60_000;
const LONG = 'All work and no play makes a dull page. '.repeat(200);

class Outage {
  watching = [];

  constructor(database, fault, figure) {
    Object.assign(this, { database, fault, figure });
  }

  async begin() {
    this.server = await start(binary, this.database.settings, { ready: '/readyz?strict' });
    try {
      this.page = await filledPage(this.server.base);
      this.watching.push(...(await open(SOCKETS, this.server.base, this.page.slug)));
      this.visitors = new Visitors(this.server.base, Object.values(this.page.paths), RATE);
      this.visitors.start();
      // What is on disk is written in the background.
      await pause(3_000);
      for (const text of judged(this.visitors.answers, { p99: P99_MS })) this.fault(`before: ${text}`);
      if (this.visitors.answers.some(({ asOf }) => asOf !== undefined)) this.fault('before: a notice');
      return this;
    } catch (error) {
      await this.end();
      throw error;
    }
  }

  async end() {
    this.visitors?.close();
    for (const viewer of this.watching) viewer.close();
    await this.server.stop();
  }

  async die() {
    this.visitors.answers = [];
    this.died = { at: performance.now(), date: Date.now() };
    await this.database.die();
  }

  /** Judges the answers since the death; `verified` is how old the state may be that they show. */
  judge(phase, answers, noticeFrom, verified) {
    const { canRead, mayRead } = this.database;
    const isDue = !mayRead && noticeFrom !== undefined;
    const asOf = [this.died.date - verified, this.died.date + 1_000];
    for (const text of judged(answers, { p99: P99_MS, asOf, ...(isDue && { noticeFrom }) })) this.fault(`${phase}: ${text}`);
    const took = answers.map(({ ms }) => ms);
    const first = answers.filter((answer) => answer.asOf !== undefined).map(({ at }) => at);
    const notice = first.length > 0 ? `notice after ${time(Math.min(...first) - this.died.at)}` : 'no notice';
    const figures = `${answers.length} answers, p50 ${quantile(took, 0.5).toFixed(1)} ms, p99 ${quantile(took, 0.99).toFixed(0)} ms, at most ${time(Math.max(...took))}`;
    this.figure(`${phase}: ${figures}${canRead ? '' : `, ${notice}`}`);
  }

  /** Away for the whole time, while sockets stay open. */
  async lasting() {
    await this.die();
    const writing = this.write();
    await pause(Math.min(NOTICE_MS, (SECONDS * 1000) / 2));
    const ready = this.readiness();
    await pause(Math.max(0, this.died.at + SECONDS * 1000 - performance.now()));
    this.isWriting = false;
    const answers = this.visitors.answers;
    await Promise.all([writing, ready]);
    this.judge('away', answers, this.died.at + NOTICE_MS, VERIFIED_MS);
    await this.back('back', FRESH_MS);
    const stayed = this.watching.filter((viewer) => viewer.connections === 1).length;
    if (stayed < SOCKETS) this.fault(`away: ${SOCKETS - stayed} sockets were closed`);
  }

  /** Away, and the server is killed and started again at that time. */
  async withRestart() {
    await this.die();
    await pause(Math.min(5_000, SECONDS * 250));
    this.visitors.stop();
    await this.server.kill();
    const began = performance.now();
    const { base } = this.server;
    const isThere = () => get(base + this.page.paths.page).then(({ status }) => status === 200, () => false);
    const [started, took] = await Promise.all([this.server.again('/healthz').catch((error) => error), until(RESTART_MS, isThere)]);
    if (took === Infinity) this.fault(`restart: no page within ${time(RESTART_MS)}`);
    if (started instanceof Error) {
      this.fault(`restart: ${started.message}`);
      return;
    }
    this.server = started;
    this.visitors.answers = [];
    this.visitors.start();
    await pause(Math.max(NOTICE_MS, SECONDS * 500));
    // The server that was started has seen no database yet: the notice is there from the first answer on.
    this.judge(`restarted in ${time(took)}`, this.visitors.answers, began, SAVED_MS);
    await this.back('back', SETTLE_MS);
  }

  /** Changes that are refused, and those that the database still takes. */
  async write() {
    const { writesMayPass } = this.database;
    const seen = { passed: 0, refused: 0 };
    const [refusals, others] = [[], new Map()];
    this.isWriting = true;
    const call = (...of) => within(20_000, client(this.server.base, this.page.token)(...of));
    await pause(500);
    while (this.isWriting) {
      const began = performance.now();
      // What needs new room on the disk and is not on the page, and what is.
      const answers = [
        await call('POST', '/api/incidents', { title: 'Draft', is_draft: true, message: LONG }),
        (await this.page.mark(call)).answer,
      ];
      for (const answer of answers) {
        if (answer.status === 503 && Number(answer.headers.get('retry-after')) > 0) {
          seen.refused += 1;
          refusals.push((performance.now() - began) / answers.length);
        } else if (answer.status < 300 && writesMayPass) seen.passed += 1;
        else others.set(answer.status, (others.get(answer.status) ?? 0) + 1);
      }
      await pause(writesMayPass ? 100 : 2_000);
    }
    for (const [status, count] of others) this.fault(`away: ${count} changes were answered with ${status}, or without Retry-After`);
    if (seen.refused === 0) this.fault('away: no change was refused');
    const passed = writesMayPass ? `${seen.passed} changes were saved and ` : '';
    this.figure(`${passed}${seen.refused} refused after at most ${time(Math.max(0, ...refusals))}`);
  }

  /** What /readyz says. A database that can be read may be called degraded or not. */
  async readiness() {
    const anybody = client(this.server.base);
    const [loose, strict] = [await within(20_000, anybody('GET', '/readyz')), await within(20_000, anybody('GET', '/readyz?strict'))];
    if (loose.status !== 200) this.fault(`/readyz answers ${loose.status}`);
    if (this.database.mayRead) return;
    if (!loose.json?.degraded?.includes('database')) this.fault(`/readyz: ${loose.text}`);
    if (strict.status !== 503) this.fault(`/readyz?strict answers ${strict.status}`);
  }

  /** Back again: changes are saved, documents have them, and so has everybody who looks on. */
  async back(phase, limit) {
    const { base } = this.server;
    await this.database.revive();
    const began = performance.now();
    let marked;
    const saved = await until(FRESH_MS, async () => {
      marked = await within(20_000, this.page.mark());
      return marked.answer.status === 200;
    }, 200);
    const { page, status } = this.page.paths;
    const isFresh = async (path) => {
      const answer = await get(base + path).catch(() => null);
      return answer?.status === 200 && noticeIn(path, answer.text) === undefined && (path !== page && path !== status || answer.text.includes(marked.text));
    };
    const fresh = await Promise.all(Object.values(this.page.paths).map((path) => until(FRESH_MS, () => isFresh(path))));
    const took = performance.now() - began;
    if (saved === Infinity) this.fault(`${phase}: no change is saved: ${marked.answer.status} ${marked.answer.text.slice(0, 100)}`);
    Object.keys(this.page.paths).forEach((name, index) => {
      if (fresh[index] === Infinity) this.fault(`${phase}: the ${name} is not up to date`);
    });
    if (took > FRESH_MS) this.fault(`${phase}: up to date only after ${time(took)}`);
    const seen = await settled(this.watching, this.page.list, limit);
    if (seen.wrong > 0) this.fault(`${phase}: ${seen.wrong} of ${SOCKETS} viewers do not show the database's state`);
    this.figure(`${phase}: up to date after ${time(took)}, all viewers after ${time(took + seen.took)}`);
  }
}

/** The answer, or one with the status `no answer` if it does not come in time. */
function within(milliseconds, answer) {
  const late = pause(milliseconds).then(() => ({ status: 'no answer', text: '', headers: new Headers() }));
  return Promise.race([answer.catch((error) => ({ status: error.message, text: '', headers: new Headers() })), late]);
}

for (const { name, open: create } of cases) {
  await run(name, async (fault, figure) => {
    const database = await create();
    let outage;
    try {
      outage = await new Outage(database, fault, figure).begin();
      await outage.lasting();
      await outage.withRestart();
    } finally {
      await outage?.end();
      await database.remove();
    }
  });
}
summary('outages');
