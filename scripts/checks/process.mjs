// Other programs: each in a process group of its own, so that a signal ends all of it and only it.
import { spawn } from 'node:child_process';
import { appendFileSync, createWriteStream } from 'node:fs';

const groups = new Set();

/** Ends every program that still runs. */
export function endAll(signal) {
  for (const pid of groups) kill(pid, signal);
}

function kill(pid, signal) {
  try {
    process.kill(-pid, signal);
  } catch {
    // It has ended by itself.
  }
}

/** Starts a program whose output goes to a file. */
export function start(log, command, args, { env = {}, cwd } = {}) {
  appendFileSync(log, `$ ${[command, ...args].join(' ').slice(0, 400)}\n`);
  const out = createWriteStream(log, { flags: 'a' });
  const child = spawn(command, args, {
    cwd,
    env: { ...process.env, ...env },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child.stdout.pipe(out, { end: false });
  child.stderr.pipe(out, { end: false });
  if (child.pid) groups.add(child.pid);
  child.ended = new Promise((resolve) => {
    child.on('error', (error) => resolve({ code: 127, error }));
    child.on('close', (code, signal) => {
      groups.delete(child.pid);
      out.end(() => resolve({ code: code ?? 128, signal }));
    });
  });
  child.end = async (signal = 'SIGTERM', patience = 20_000) => {
    kill(child.pid, signal);
    const late = setTimeout(() => kill(child.pid, 'SIGKILL'), patience);
    const outcome = await child.ended;
    clearTimeout(late);
    return outcome;
  };
  return child;
}

/** Runs a program to its end; fails unless it says that all is well. */
export async function run(log, command, args, options) {
  const { code, error } = await start(log, command, args, options).ended;
  if (code !== 0) throw new Error(error?.message ?? `${command} ${args[0] ?? ''} failed (exit ${code})`);
}

/** Runs a program that writes one JSON document a line, and returns those it wrote. */
export async function documents(log, command, args, options) {
  const child = start(log, command, args, options);
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk) => {
    text += chunk;
  });
  const { code, error } = await child.ended;
  if (error) throw error;
  const read = (line) => {
    try {
      return [JSON.parse(line)];
    } catch {
      return []; // what a test prints by itself
    }
  };
  return { code, documents: text.split('\n').flatMap((line) => (line.startsWith('{') ? read(line) : [])) };
}
