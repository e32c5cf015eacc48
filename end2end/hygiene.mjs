// With everything logged, no secret stands in the log: goes in by every door, with secrets in every place a request has,
// and looks for them. Usage: node hygiene.mjs BINARY
import http from 'node:http';
import { client, good, pause, register, withServer } from './server.mjs';

const FN = '/fn/aldis/app/server_fns';

await withServer('hygiene', { ALDIS_LOG: 'trace', ALDIS_JWT_SECRET: 'hB7kXo2vT7qLm9ZrW4nWc8YpD1sHf6GjE3uA' }, async (server) => {
  const secrets = new Map([['the signing key', 'hB7kXo2vT7qLm9ZrW4nWc8YpD1sHf6GjE3uA']]);
  let number = 0;
  const secret = (what) => {
    number += 1;
    const value = `canary-${number}-${Math.random().toString(36).slice(2)}-lantern-over-water`;
    secrets.set(what, value);
    return value;
  };

  // By the API.
  const password = secret('the password of a registration');
  const team = await register(server.base, { password });
  secrets.set('the token of a registration', team.token);
  const anybody = client(server.base);
  const login = await good(anybody('POST', '/api/auth/login', { email: team.email, password }));
  secrets.set('the token of a login', login.access_token);
  for (const [what, body] of [
    ['a wrong password', { email: team.email, password: secret('a wrong password') }],
    ['the password of nobody', { email: 'nobody@example.test', password: secret('the password of nobody') }],
    ['a password of the wrong kind', { email: 7, password: secret('a password of the wrong kind') }],
    ['a password under another name', { email: team.email, passwort: secret('a password under another name') }],
    ['a weak registration', { ...team, call: undefined, slug: 'x', password: secret('a weak registration') }],
  ]) {
    const answer = await anybody('POST', '/api/auth/login', body);
    if (answer.status < 400) throw new Error(`${what} was accepted`);
  }
  await anybody('POST', '/api/auth/login', undefined, { 'content-type': 'application/json', 'x-note': 'no body' });
  const token = await good(team.call('POST', '/api/tokens', { name: 'Pipeline', scope: 'write' }));
  secrets.set('an API token', token.secret);
  const program = client(server.base, token.secret);
  await good(program('POST', '/api/services', { name: 'API' }));
  await program('POST', '/api/tokens', { name: 'More', scope: 'read' });
  await program('PUT', '/api/services/0199aaaa-bbbb-7ccc-8ddd-eeeeffff0000', { name: 'x' });
  await client(server.base, secret('a made-up token'))('GET', '/api/services');
  await client(server.base, `aldis_${secret('a made-up API token')}`)('GET', '/api/services');
  await good(team.call('DELETE', `/api/tokens/${token.id}`));
  await program('GET', '/api/services');

  // By the pages and their forms, with and without JavaScript.
  const form = async (name, fields, headers = {}) => {
    const answer = await fetch(`${server.base}${FN}/${name}`, {
      method: 'POST',
      redirect: 'manual',
      headers: { origin: server.base, ...headers },
      body: new URLSearchParams(fields),
    });
    await answer.text();
    return answer;
  };
  for (const accept of ['text/html', 'application/json']) {
    await form('account/login', { email: team.email, password: secret(`a wrong password in a form for ${accept}`) }, { accept });
    const entered = await form('account/login', { email: team.email, password }, { accept });
    const cookie = entered.headers.getSetCookie()[0]?.split(';')[0];
    if (!cookie) throw new Error(`no cookie for ${accept}: ${entered.status}`);
    secrets.set(`the cookie for ${accept}`, cookie.split('=')[1]);
    for (const path of ['/dashboard', '/services', '/settings', '/nowhere', '/api/live', '/api/services']) {
      await fetch(server.base + path, { headers: { cookie, accept } }).then((answer) => answer.text());
    }
    await form('add_group', { name: 'Core' }, { accept, cookie });
    await form('logout', {}, { accept, cookie });
  }
  await fetch(`${server.base}/dashboard`, { headers: { cookie: `aldis=${secret('a made-up cookie')}` } });

  // In addresses: links that were mailed, and what people put there by mistake.
  for (const path of ['/reset-password/', '/reset-password?token=', '/invite/', '/dashboard?password=', '/api/services?token=', '/nowhere/']) {
    await fetch(`${server.base}${path}${secret(`a secret under ${path}`)}`, { redirect: 'manual' }).then((answer) => answer.text());
  }
  await fetch(`${server.base}/csp-report`, {
    method: 'POST',
    body: JSON.stringify({ 'csp-report': { 'document-uri': `${server.base}/reset-password/${secret('a secret in a report')}` } }),
  });

  // By a socket.
  await new Promise((resolve, reject) => {
    const headers = {
      authorization: `Bearer ${team.token}`,
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    };
    const request = http.get(`${server.base}/api/live`, { headers });
    request.once('upgrade', (_, socket) => {
      socket.once('data', () => socket.destroy());
      socket.once('close', resolve);
    });
    request.once('response', (answer) => reject(new Error(`no socket: ${answer.statusCode}`)));
    request.once('error', reject);
  });
  await pause(200);

  const log = server.log();
  const lines = log.split('\n');
  if (lines.length < 200) throw new Error(`the log has only ${lines.length} lines; that proves nothing`);
  const found = [...secrets].flatMap(([what, value]) => {
    const line = lines.find((line) => line.includes(value) || line.includes(encodeURIComponent(value)));
    return line ? [`${what}: ${line.slice(0, 400)}`] : [];
  });
  if (found.length > 0) throw new Error(`secrets in the log:\n${found.join('\n')}`);
  console.log(`${secrets.size} secrets looked for in ${lines.length} lines of log, none found`);
});
