// Runs a server for a script: on a free local port, in a temporary folder that is deleted with it.
import { spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve as absolute } from 'node:path';

export function freePort() {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

/**
 * Starts BINARY with these settings; limits on callers are wide unless they are set. Given an `earlier` server that has
 * ended, starts it again: in its folder, on its port. Waits until `ready` answers 200.
 */
export async function start(binary, settings = {}, { earlier, ready = '/readyz' } = {}) {
  const dir = earlier?.dir ?? mkdtempSync(join(tmpdir(), 'aldis-battery-'));
  const port = earlier?.port ?? (await freePort());
  const base = `http://127.0.0.1:${port}`;
  const logFile = join(dir, 'server.log');
  const out = openSync(logFile, 'a');
  const env = {
    PATH: process.env.PATH,
    ALDIS_LISTEN: `127.0.0.1:${port}`,
    ALDIS_PUBLIC_URL: base,
    ALDIS_LOG: 'warn',
    ALDIS_AUTH_RATE: '1000000',
    ALDIS_API_RATE: '1000000',
    ...settings,
  };
  const began = performance.now();
  const child = spawn(binary, ['serve'], { cwd: dir, env, stdio: ['ignore', out, out] });
  closeSync(out);
  const log = () => readFileSync(logFile, 'utf8');
  while (!(await fetch(base + ready).then((answer) => answer.ok, () => false))) {
    if (hasEnded() || performance.now() - began > 30_000) {
      await kill();
      throw new Error(`the server did not start:\n${log().trimEnd().split('\n').slice(-3).join('\n')}`);
    }
    await pause(20);
  }
  const server = { base, port, dir, log, logFile, pid: child.pid, startedIn: performance.now() - began, end, kill, again, stop };
  return server;

  function hasEnded() {
    return child.exitCode !== null || child.signalCode !== null;
  }

  function again(wish = ready) {
    return start(binary, settings, { earlier: server, ready: wish });
  }

  /** Kills the server with SIGKILL; its folder stays. */
  async function kill() {
    if (hasEnded()) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
  }

  /** Stops the server, keeps its folder, and returns the exit code; null if it had to be killed. */
  async function end() {
    if (!hasEnded()) {
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      const late = setTimeout(() => child.kill('SIGKILL'), 12_000);
      await gone;
      clearTimeout(late);
    }
    return child.exitCode;
  }

  async function stop() {
    await end();
    rmSync(dir, { recursive: true, force: true });
  }
}

export const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** An API client, with or without a token. */
export function client(base, token) {
  return async (method, path, body, headers = {}) => {
    const answer = await fetch(base + path, {
      method,
      redirect: 'manual',
      headers: {
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(token && { authorization: `Bearer ${token}` }),
        ...headers,
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await answer.text();
    const json = /json/.test(answer.headers.get('content-type') ?? '') && text ? JSON.parse(text) : undefined;
    return { status: answer.status, headers: answer.headers, text, json };
  };
}

/** Sends a form as a browser does; returns the cookies that the response sets, too. */
export async function sendForm(base, name, fields, headers = {}) {
  const answer = await fetch(`${base}/fn/aldis/app/server_fns/${name}`, {
    method: 'POST',
    redirect: 'manual',
    headers: { origin: base, ...headers },
    body: new URLSearchParams(fields),
  });
  const cookies = Object.fromEntries(
    answer.headers.getSetCookie().map((cookie) => {
      const [pair] = cookie.split(';');
      return [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)];
    }),
  );
  return { status: answer.status, headers: answer.headers, text: await answer.text(), cookies };
}

let organizations = 0;

/** Registers an organization, by default with generated data. */
export async function register(base, wish = {}) {
  organizations += 1;
  const form = {
    organization_name: `Organization ${organizations}`,
    slug: `battery-${process.pid}-${organizations}`,
    name: 'Ada Lamp',
    email: `battery-${process.pid}-${organizations}@example.test`,
    password: 'canary lantern over calm water 77',
    ...wish,
  };
  const answer = await client(base)('POST', '/api/auth/register', form);
  if (answer.status !== 201) throw new Error(`registration: ${answer.status} ${answer.text}`);
  return { ...form, token: answer.json.access_token, call: client(base, answer.json.access_token) };
}

/** The body of a successful response; throws otherwise. */
export async function good(promise) {
  const answer = await promise;
  if (answer.status >= 300) throw new Error(`${answer.status} ${answer.text}`);
  return answer.json;
}

/** Reports the number of cases a script has passed, for scripts/checks. */
export function report(passed) {
  if (process.env.ALDIS_TEST_REPORT) writeFileSync(process.env.ALDIS_TEST_REPORT, JSON.stringify({ passed, failed: 0 }));
}

/** Runs a script with a server, and exits with its outcome. */
export async function withServer(name, settings, work) {
  const binary = process.argv[2] && absolute(process.argv[2]);
  if (!binary) throw new Error(`usage: node ${name}.mjs BINARY`);
  let server;
  try {
    server = await start(binary, settings);
    await work(server);
  } catch (error) {
    console.error(`${name}: ${error.stack ?? error}`);
    process.exitCode = 1;
  } finally {
    await server?.stop();
  }
}
