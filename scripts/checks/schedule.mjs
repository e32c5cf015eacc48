// Runs the parts in order, in parallel as far as cores are idle, and counts their results.
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

/** A part of `make test`:
 * - `title`, and `after`: the names of the parts that must have passed;
 * - `cores`: the number of cores it uses; it waits until as many are idle (all, if it asks for more);
 * - `check(log)`: runs it, with a file for its output. Throws, or returns any of `passed` and `failed` (counts),
 * `faults`
 *   (lines about the failures), `ground` (what it ran on) and `times` ({name, seconds}). */
export class Schedule {
  #parts;
  #logs;
  #outcomes = new Map();
  #began = performance.now();
  #idle = availableParallelism();
  #isStopped = false;

  constructor(parts, logs) {
    this.#parts = parts;
    this.#logs = logs;
    mkdirSync(logs, { recursive: true });
  }

  /** Starts no further parts. */
  stop() {
    this.#isStopped = true;
  }

  /** Runs these parts. Dependencies that are not among them count as passed. */
  async run(names) {
    const waiting = new Set(names);
    const running = new Set();
    while (waiting.size + running.size > 0) {
      if (this.#isStopped) waiting.clear();
      for (const name of waiting) {
        const part = this.#parts[name];
        const after = (part.after ?? []).filter((other) => names.includes(other));
        const missing = after.find((other) => this.#outcomes.get(other)?.failed);
        if (missing) {
          waiting.delete(name);
          this.#finish(name, { failed: 1, faults: [], skipped: `"${this.#parts[missing].title}" failed` });
        } else if (after.every((other) => this.#outcomes.has(other))) {
          const cores = Math.min(part.cores ?? 1, availableParallelism());
          if (cores > this.#idle) break; // in order, so that small parts do not delay large ones
          waiting.delete(name);
          this.#idle -= cores;
          const work = this.#check(name).finally(() => {
            this.#idle += cores;
            running.delete(work);
          });
          running.add(work);
        }
      }
      if (running.size > 0) await Promise.race(running);
    }
  }

  async #check(name) {
    const part = this.#parts[name];
    const log = join(this.#logs, `${name}.log`);
    const began = performance.now();
    rmSync(log, { force: true });
    say(`${part.title} …`);
    let outcome;
    try {
      outcome = (await part.check(log)) ?? {};
    } catch (error) {
      outcome = { failed: 1, faults: [error.message, ...endOf(log)] };
    }
    this.#finish(name, { ...outcome, seconds: (performance.now() - began) / 1000 });
  }

  #finish(name, outcome) {
    this.#outcomes.set(name, outcome);
    process.stdout.write(`${this.#line(name)}\n`);
    if (outcome.failed) for (const fault of outcome.faults ?? []) process.stdout.write(`        ${fault}\n`);
  }

  #line(name) {
    const { passed = 0, failed = 0, ground, seconds, skipped } = this.#outcomes.get(name);
    const { title } = this.#parts[name];
    if (skipped) return `${red('NOT RUN')} ${title}: ${skipped}`;
    const counts = passed + failed > 0 ? `: ${passed} passed, ${failed} failed` : '';
    const mark = failed ? red('FAILED ') : green('ok     ');
    return `${mark} ${title}${counts}${ground ? ` on ${ground}` : ''} (${seconds.toFixed(0)} s)`;
  }

  /** Prints the summary and returns the number of failures. The last line is also for scripts. */
  report(stopped) {
    const outcomes = [...this.#outcomes.values()];
    const sum = (what) => outcomes.reduce((sum, outcome) => sum + (outcome[what] ?? 0), 0);
    const lines = [...this.#outcomes.keys()].map((name) => this.#line(name));
    const faults = outcomes.flatMap((outcome) => (outcome.failed ? outcome.faults ?? [] : []));
    const slowest = outcomes
      .flatMap(({ times = [] }) => times)
      .sort((one, other) => other.seconds - one.seconds)
      .slice(0, 10);
    const failed = sum('failed') + (stopped ? 1 : 0);
    const summary = [
      '',
      ...faults,
      ...(slowest.length > 0 ? ['The slowest ten:'] : []),
      ...slowest.map(({ name, seconds }) => `${seconds.toFixed(1).padStart(7)} s  ${name}`),
      '',
      ...lines,
      ...(stopped ? [`${red('STOPPED')} ${stopped}`] : []),
      `in total ${((performance.now() - this.#began) / 1000).toFixed(0)} s; the logs are in ${this.#logs}`,
      `${sum('passed')} passed, ${failed} failed`,
    ];
    process.stdout.write(`${summary.join('\n')}\n`);
    return failed;
  }
}

const colour = (code) => (text) => (process.stdout.isTTY && !process.env.NO_COLOR ? `\x1b[${code}m${text}\x1b[0m` : text);
const [red, green, bold] = [colour(31), colour(32), colour(1)];

export function say(text) {
  process.stdout.write(`${bold('==>')} ${text}\n`);
}

/** The last lines of a log, without colours. */
export function endOf(log, count = 40) {
  try {
    const text = readFileSync(log, 'utf8').replaceAll(/\x1b\[[0-9;]*m/g, '');
    return text.trimEnd().split('\n').slice(-count);
  } catch {
    return [];
  }
}
