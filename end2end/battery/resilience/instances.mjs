// Two instances on one database, behind nginx.
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, start } from '../../server.mjs';
import { until } from './cases.mjs';
import { Folder } from './databases.mjs';

const SECRET = 'vR8kQz3mT6yWp1LxH9sNd4bGf7jCa2Ue';

/** Starts both, and nginx: `base` is for everybody, `bases` lead to one instance each, and nothing is cached. */
export async function startBoth(binary, settings) {
  const folder = new Folder();
  const started = [];
  let nginx;
  const stop = async () => {
    nginx?.kill('SIGQUIT');
    await Promise.all(started.map((server) => server.stop()));
    folder.remove();
  };
  try {
    const ports = [await freePort(), await freePort(), await freePort()];
    const [base, ...bases] = ports.map((port) => `http://127.0.0.1:${port}`);
    for (const name of ['one', 'two']) {
      const saved = join(folder.path, `pages-${name}`);
      const own = { ALDIS_SNAPSHOT_DIR: saved, ALDIS_PUBLIC_URL: base, ALDIS_TRUSTED_PROXIES: '127.0.0.1', ALDIS_JWT_SECRET: SECRET };
      mkdirSync(saved);
      const server = await start(binary, { ...settings, ...own }, { ready: '/readyz?strict' });
      started.push(Object.assign(server, { saved }));
    }
    writeFileSync(join(folder.path, 'nginx.conf'), configuration(folder.path, ports, started.map(({ port }) => port)));
    const log = openSync(join(folder.path, 'nginx.log'), 'a');
    nginx = spawn('nginx', ['-p', folder.path, '-e', 'stderr', '-c', join(folder.path, 'nginx.conf')], { stdio: ['ignore', log, log] });
    closeSync(log);
    nginx.once('error', () => {});
    if ((await until(10_000, () => fetch(`${base}/healthz`).then((answer) => answer.ok, () => false))) === Infinity) {
      throw new Error(`nginx did not start:\n${readFileSync(join(folder.path, 'nginx.log'), 'utf8')}`);
    }
    return { base, bases, servers: started, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function configuration(folder, [all, ...each], upstream) {
  const pass = (to) => `location / { proxy_pass http://${to}; }`;
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${folder}/${name};`).join('\n  ');
  return `daemon off;
worker_processes 1;
${process.getuid() === 0 ? 'user root;' : ''}
pid ${folder}/nginx.pid;
error_log stderr;
events { worker_connections 1024; }
http {
  access_log off;
  ${temporary}
  map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
  upstream both { ${upstream.map((port) => `server 127.0.0.1:${port};`).join(' ')} keepalive 16; }
  ${upstream.map((port, n) => `upstream only${n} { server 127.0.0.1:${port}; keepalive 16; }`).join('\n  ')}
  proxy_http_version 1.1;
  proxy_set_header Host $http_host;
  proxy_set_header Upgrade $http_upgrade;
  proxy_set_header Connection $connection_upgrade;
  proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
  server { listen 127.0.0.1:${all}; ${pass('both')} }
  ${each.map((port, n) => `server { listen 127.0.0.1:${port}; ${pass(`only${n}`)} }`).join('\n  ')}
}
`;
}
