// A constant load of visitors, who note what they are answered; and what they must be answered.
import http from 'node:http';
import { brotliDecompressSync } from 'node:zlib';
import { quantile } from './cases.mjs';

/** How long an answer may take before it counts as missing. */
const PATIENCE_MS = 10_000;

/** Asks for each path `rate` times a second, whether or not the earlier requests have been answered. */
export class Visitors {
  /** Each answer: its path, when it was asked for, how many milliseconds it took, its status and its notice. */
  answers = [];
  #agent = new http.Agent({ keepAlive: true, maxSockets: 256 });
  #timers = [];

  constructor(base, paths, rate) {
    Object.assign(this, { base, paths, rate });
  }

  start() {
    const every = 1000 / this.rate;
    this.paths.forEach((path, index) => {
      let next = performance.now() + (every * index) / this.paths.length;
      const tick = () => {
        // A timer that comes late does not lower the rate.
        for (const now = performance.now(); next <= now; next += every) void this.#note(path);
        this.#timers[index] = setTimeout(tick, Math.max(0, next - performance.now()));
      };
      tick();
    });
  }

  stop() {
    this.#timers.forEach(clearTimeout);
  }

  close() {
    this.stop();
    this.#agent.destroy();
  }

  async #note(path) {
    const at = performance.now();
    const answer = await get(this.base + path, this.#agent).catch((error) => ({ status: error.code ?? error.message, text: '' }));
    this.answers.push({ path, at, ms: answer.ms ?? performance.now() - at, status: answer.status, asOf: noticeIn(path, answer.text) });
  }
}

/** GET, compressed as for a browser, with the time until the last byte. */
export function get(url, agent, headers = {}) {
  return new Promise((resolve, reject) => {
    const at = performance.now();
    const request = http.get(url, { agent, timeout: PATIENCE_MS, headers: { 'accept-encoding': 'br', ...headers } }, (answer) => {
      const parts = [];
      answer.on('data', (part) => parts.push(part));
      answer.on('error', reject);
      answer.on('end', () => {
        const ms = performance.now() - at;
        const bytes = Buffer.concat(parts);
        const isPacked = answer.headers['content-encoding'] === 'br' && bytes.length > 0;
        const text = (isPacked ? brotliDecompressSync(bytes) : bytes).toString();
        resolve({ status: answer.statusCode, headers: answer.headers, text, ms });
      });
    });
    request.on('timeout', () => request.destroy(new Error('no answer')));
    request.on('error', reject);
  });
}

/** The time of the state in an answer's notice that the database is away, in milliseconds; undefined without notice. */
export function noticeIn(path, text) {
  const time = path.startsWith('/api/')
    ? text.match(/"outage":\{"as_of":"([^"]+)"/)
    : text.match(/<p class="outage">.{0,400}?<time[^>]*? datetime="([^"]+)"/s);
  return time ? Date.parse(time[1]) : undefined;
}

/** Faults of answers that must be 200 within `p99`: in general and, if the notice is due at a time, in it. */
export function judged(answers, { p99, noticeFrom, asOf }) {
  const faults = [];
  for (const path of new Set(answers.map((answer) => answer.path))) {
    const of = answers.filter((answer) => answer.path === path);
    const bad = of.filter(({ status }) => status !== 200);
    if (bad.length > 0) {
      const kinds = [...new Set(bad.map(({ status }) => status))].join(', ');
      faults.push(`${path}: ${bad.length} of ${of.length} answers were not 200 but ${kinds}`);
    }
    const late = quantile(of.map(({ ms }) => ms), 0.99);
    if (late > p99) faults.push(`${path}: p99 of ${late.toFixed(0)} ms`);
    if (noticeFrom === undefined) continue;
    const due = of.filter(({ at, status }) => at >= noticeFrom && status === 200);
    const without = due.filter((answer) => answer.asOf === undefined).length;
    if (due.length === 0) faults.push(`${path}: no answer that could have the notice`);
    if (without > 0) faults.push(`${path}: ${without} of ${due.length} answers are without notice`);
    const wrong = due.find((answer) => answer.asOf < asOf[0] || answer.asOf > asOf[1]);
    if (wrong) faults.push(`${path}: the notice says ${new Date(wrong.asOf).toISOString()}, expected ${asOf.map((at) => new Date(at).toISOString()).join(' to ')}`);
  }
  return faults;
}
