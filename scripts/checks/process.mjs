// Child processes, each in its own process group, so that a signal reaches its descendants too.
import { spawn } from 'node:child_process';
import { appendFileSync, createWriteStream } from 'node:fs';

const groups = new Set();

/** Signals every process that is still running. */
export function endAll(signal) {
  for (const pid of groups) kill(pid, signal);
}

function kill(pid, signal) {
  try {
    process.kill(-pid, signal);
  } catch {
    // It has already ended.
  }
}

/** Starts a program and appends its output to a log. */
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
  child.end = async (signal = 'SIGTERM', timeout = 20_000) => {
    kill(child.pid, signal);
    const killer = setTimeout(() => kill(child.pid, 'SIGKILL'), timeout);
    const outcome = await child.ended;
    clearTimeout(killer);
    return outcome;
  };
  return child;
}

/** Runs a program to its end. Throws unless it exits with 0. */
export async function run(log, command, args, options) {
  const { code, error } = await start(log, command, args, options).ended;
  if (code !== 0) throw new Error(error?.message ?? `${command} ${args[0] ?? ''} failed (exit ${code})`);
}

/** Runs a program that writes one JSON document per line, and returns them. */
export async function documents(log, command, args, options) {
  const child = start(log, command, args, options);
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk) => {
    text += chunk;
  });
  const { code, error } = await child.ended;
  if (error) throw error;
  const parse = (line) => {
    try {
      return [JSON.parse(line)];
    } catch {
      return []; // output of a test itself
    }
  };
  return { code, documents: text.split('\n').flatMap((line) => (line.startsWith('{') ? parse(line) : [])) };
}
