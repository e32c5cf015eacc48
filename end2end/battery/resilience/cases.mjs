// Runs the cases of a part of the battery: all of them, even when some fail.
import { resolve } from 'node:path';

export const binary = process.argv[2] && resolve(process.argv[2]);
if (!binary) {
  console.error(`usage: node ${process.argv[1]} BINARY`);
  process.exit(2);
}

/** A case that cannot take place on this machine. */
export class Skipped extends Error {}

/** A number from the environment. */
export const size = (name, otherwise) => Number(process.env[name] ?? otherwise);

const wanted = process.env.BATTERY_CASES && new RegExp(process.env.BATTERY_CASES);
const counts = { passed: 0, failed: 0, skipped: 0 };

/**
 * Runs a case, which notes its faults and figures with the functions it is given. BATTERY_CASES, a regular expression,
 * chooses among the cases.
 */
export async function run(name, work) {
  if (wanted && !wanted.test(name)) return;
  const [faults, figures] = [[], []];
  try {
    await work((fault) => faults.push(fault), (figure) => figures.push(figure));
  } catch (error) {
    if (error instanceof Skipped) {
      counts.skipped += 1;
      console.log(`skipped ${name}: ${error.message}`);
      return;
    }
    faults.push(error.stack ?? String(error));
  }
  counts[faults.length > 0 ? 'failed' : 'passed'] += 1;
  console.log(`${faults.length > 0 ? 'FAILED ' : 'passed '} ${name}: ${figures.join('; ')}`);
  for (const fault of faults) console.log(`        ${fault}`);
}

/** Prints the summary and sets the exit code. */
export function summary(part) {
  console.log(`${part}: ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
  if (counts.failed > 0 || counts.passed + counts.skipped === 0) process.exitCode = 1;
}

/** The value below which this share of the values lies. */
export function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}

/** Milliseconds, in words. */
export const time = (ms) => (ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`);

/** Repeats a question until it is answered with something true. Returns the milliseconds it took, or Infinity. */
export async function until(milliseconds, ask, every = 20) {
  const began = performance.now();
  for (;;) {
    if (await ask()) return performance.now() - began;
    if (performance.now() - began > milliseconds) return Infinity;
    await new Promise((resolve) => setTimeout(resolve, every));
  }
}
