// What the measurements are made with: load, what processes cost, and the servers to compare with.
import { execFile, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { freePort, pause } from '../end2end/server.mjs';

const run = promisify(execFile);

export const median = (values) => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};

/** The value that this share of the values does not exceed. */
export const quantile = (values, share) =>
  [...values].sort((a, b) => a - b)[Math.max(0, Math.ceil(values.length * share) - 1)];

/** A process and its descendants. */
function family(root) {
  const parents = readdirSync('/proc').filter((name) => /^\d+$/.test(name)).flatMap((pid) => {
    const text = read(`/proc/${pid}/stat`);
    return text ? [[Number(pid), Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[1])]] : [];
  });
  const found = new Set([root]);
  for (let before = 0; before !== found.size; ) {
    before = found.size;
    for (const [pid, parent] of parents) if (found.has(parent)) found.add(pid);
  }
  return [...found];
}

function read(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // the process has ended
  }
}

/** Microseconds in one of the kernel's ticks, in which it reports CPU time. */
const TICK = 1_000_000 / Number(execFileSync('getconf', ['CLK_TCK']));

/** The CPU time that a process and its descendants have used, in microseconds: user and system, ended threads too. */
export function cpu(root) {
  return family(root).reduce((sum, pid) => {
    const text = read(`/proc/${pid}/stat`);
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return sum + (Number(fields[11]) + Number(fields[12]) || 0) * TICK;
  }, 0);
}

/** The resident memory of a process and its descendants, in KiB. */
export function rss(root) {
  return family(root).reduce((sum, pid) => sum + Number(/VmRSS:\s+(\d+)/.exec(read(`/proc/${pid}/status`))?.[1] ?? 0), 0);
}

const MILLISECONDS = { us: 0.001, ms: 1, s: 1000, m: 60_000 };

/**
 * Loads a server with wrk: { rate: requests/s, p99: ms, cpu: microseconds a request, errors: how many }. More than one
 * error in a hundred requests makes it throw.
 */
export async function load({ url, pid, headers = {} }, connections, seconds) {
  const args = ['--threads', '1', '--connections', connections, '--duration', `${seconds}s`, '--timeout', '20s', '--latency'];
  for (const [name, value] of Object.entries({ 'accept-encoding': 'br', ...headers })) args.push('-H', `${name}: ${value}`);
  const before = cpu(pid);
  const { stdout } = await run('wrk', [...args.map(String), url]);
  const used = cpu(pid) - before;
  const [, p99, unit] = /^\s+99%\s+([\d.]+)(us|ms|s|m)\s*$/m.exec(stdout) ?? [];
  const requests = Number(/(\d+) requests in/.exec(stdout)?.[1]);
  const rate = Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1]);
  if (!unit || !requests || !rate) throw new Error(`unexpected output of wrk:\n${stdout}`);
  const counts = [...stdout.matchAll(/(?:responses:|connect|read|write|timeout) (\d+)/g)];
  const errors = counts.reduce((sum, [, count]) => sum + Number(count), 0);
  if (errors > requests / 100) throw new Error(`${url}: ${errors} of ${requests} requests failed:\n${stdout}`);
  return { rate, p99: p99 * MILLISECONDS[unit], cpu: used / requests, errors };
}

/** Repeats `work` in `lanes` parallel lanes while `during` runs, each at most once every `every` milliseconds. */
export async function beside(during, lanes, every, work) {
  let goes = true;
  let done = 0;
  let failure;
  const loop = async () => {
    while (goes) {
      const next = performance.now() + every;
      try {
        await work(done++);
      } catch (error) {
        failure ??= error;
        return;
      }
      await pause(Math.max(0, next - performance.now()));
    }
  };
  const all = Array.from({ length: lanes }, loop);
  const began = performance.now();
  try {
    return { ...(await during()), pace: (done * 1000) / (performance.now() - began) };
  } finally {
    goes = false;
    await Promise.all(all);
    if (failure) throw failure;
  }
}

/** Milliseconds until the whole response to a GET has arrived. Throws unless its status is 200. */
export async function timed(url, headers = {}) {
  const began = performance.now();
  const answer = await fetch(url, { headers: { 'accept-encoding': 'br', ...headers }, redirect: 'manual' });
  await answer.arrayBuffer();
  if (answer.status !== 200) throw new Error(`${url}: ${answer.status}`);
  return performance.now() - began;
}

/** Starts a program that serves `url`, and waits until it does. */
async function serve(command, args, url) {
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (data) => (said = (said + data).slice(-2000)));
  const ended = new Promise((resolve) => child.once('close', resolve));
  child.once('error', (error) => (said += error.message));
  const stop = async () => {
    child.kill('SIGTERM');
    const late = setTimeout(() => child.kill('SIGKILL'), 5000);
    await ended;
    clearTimeout(late);
  };
  for (let left = 100; !(await fetch(url).then((answer) => answer.ok, () => false)); left--) {
    if (!left || child.exitCode !== null || !child.pid) {
      if (child.pid) await stop();
      throw new Error(`${command} did not start: ${said}`);
    }
    await pause(50);
  }
  return { url, pid: child.pid, stop };
}

/** Writes a page and its best compressions into a folder, and returns the path of the first. */
export function compressed(folder, html) {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'page.html');
  writeFileSync(file, html);
  writeFileSync(`${file}.gz`, gzipSync(html, { level: 9 }));
  writeFileSync(`${file}.br`, brotliCompressSync(html, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }));
  return file;
}

/** nginx with a page compressed beforehand. Debian's has no module for Brotli, so the encoding is a fixed header. */
export async function nginx(folder, file) {
  const port = await freePort();
  const user = process.getuid() === 0 ? 'user root;' : '';
  const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${folder}/${name};`).join(' ');
  writeFileSync(
    join(folder, 'nginx.conf'),
    `${user} worker_processes auto; daemon off; pid ${folder}/nginx.pid; error_log stderr;
events { worker_connections 8192; }
http {
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000; open_file_cache max=10; ${temp}
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location = /page {
      alias ${file}.br; types {} default_type "text/html; charset=utf-8";
      add_header Content-Encoding br; add_header Vary Accept-Encoding; add_header Cache-Control no-cache;
    }
  }
}
`,
  );
  return serve('nginx', ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', 'stderr'], `http://127.0.0.1:${port}/page`);
}

/** The bare axum server of bench/ceiling. */
export async function ceiling(binary, file) {
  const port = await freePort();
  return serve(binary, [String(port), file], `http://127.0.0.1:${port}/`);
}
