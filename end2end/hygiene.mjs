// No secrets in the log, even at level trace: sends secrets in every part of requests, in mail and in the settings, and
// searches the log for them. Usage: node hygiene.mjs BINARY
import { spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import http from 'node:http';
import { join, resolve as absolute } from 'node:path';
import { linksIn, mailServer } from './mailbox.mjs';
import { client, good, pause, register, report, sendForm, withServer } from './server.mjs';
import { totp } from './totp.mjs';

/** Minimum number of log lines for the search to prove anything. */
const MIN_LINES = 300;

const secrets = new Map();

/** Generates a secret. */
function secret(what) {
  const value = `canary-${secrets.size}-${Math.random().toString(36).slice(2)}-lantern-over-water`;
  secrets.set(what, value);
  return value;
}

/** Records a secret issued by the server. */
function keep(what, value) {
  if (!value) throw new Error(`${what} is missing`);
  secrets.set(what, value);
  return value;
}

const signing = 'hB7kXo2vT7qLm9ZrW4nWc8YpD1sHf6GjE3uA';
const retired = 'zQ4mUe9cR2tVx6BnK8wLs3FyJ7pGd5ThA1oI';
const mail = await mailServer();
const settings = {
  ALDIS_LOG: 'trace',
  ALDIS_JWT_SECRET: keep('the signing key', signing),
  ALDIS_JWT_SECRET_OLD: keep('the signing key before', retired),
  SMTP_URL: `smtp://postman:${secret('the password of the mail server')}@127.0.0.1:${mail.port}`,
  ALDIS_MAIL_FROM: 'Aldis <status@example.test>',
};
const authPlain = Buffer.from(`\0postman\0${secrets.get('the password of the mail server')}`).toString('base64');
keep('the SMTP credentials', authPlain);

await withServer('hygiene', settings, async (server) => {
  const team = await byTheApi(server);
  await byForms(server, team);
  await byInvitations(server, team);
  await byTheAccount(server, team);
  await byTheSecondFactor(server, team);
  await inAddresses(server);
  await bySocket(server, team);
  await pause(200);

  const lines = [...server.log().split('\n'), ...refusedSettings(absolute(process.argv[2]), server.dir)];
  if (lines.length < MIN_LINES) throw new Error(`the log has only ${lines.length} lines; that proves nothing`);
  const planted = [...secrets.values()].map((value) => `request{body="x=${value}"}`);
  if (found(planted).length !== secrets.size) throw new Error('planted secrets are not found');
  const leaks = found(lines);
  if (leaks.length > 0) throw new Error(`secrets in the log:\n${leaks.join('\n')}`);
  console.log(`${secrets.size} secrets looked for in ${lines.length} lines of log, none found`);
  report(secrets.size);
});
mail.close();

/** The secrets in these lines, plain or URL-encoded. */
function found(lines) {
  return [...secrets].flatMap(([what, value]) => {
    const line = lines.find((line) => line.includes(value) || line.includes(encodeURIComponent(value)));
    return line ? [`${what}: ${line.slice(0, 400)}`] : [];
  });
}

function refused(what, { status, text }) {
  if (status < 400) throw new Error(`${what} was accepted: ${status} ${text}`);
}

async function byTheApi(server) {
  const password = secret('the password of a registration');
  const team = await register(server.base, { password });
  keep('the token of a registration', team.token);
  const anybody = client(server.base);
  const login = await good(anybody('POST', '/api/auth/login', { email: team.email, password }));
  keep('the token of a login', login.access_token);
  for (const [what, body] of [
    ['a wrong password', { email: team.email, password: secret('a wrong password') }],
    ['the password of nobody', { email: 'nobody@example.test', password: secret('the password of nobody') }],
    ['a password of the wrong kind', { email: 7, password: secret('a password of the wrong kind') }],
    ['a password under another name', { email: team.email, passwort: secret('a password under another name') }],
  ]) {
    refused(what, await anybody('POST', '/api/auth/login', body));
  }
  const { organization_name, name } = team;
  const wish = { organization_name, name, email: 'new@example.test', slug: 'newcomers' };
  for (const [what, body] of [
    ['a weak registration', { ...wish, password: keep('a weak registration', 'qwertyuiopqwertyuiop') }],
    ['a short registration', { ...wish, password: secret('a short registration').slice(0, 9) }],
    ['a second registration', { ...wish, email: team.email, password: secret('a second registration') }],
  ]) {
    refused(what, await anybody('POST', '/api/auth/register', body));
  }
  await anybody('POST', '/api/auth/login', undefined, { 'content-type': 'application/json', 'x-note': 'no body' });
  const token = await good(team.call('POST', '/api/tokens', { name: 'Pipeline', scope: 'write' }));
  keep('an API token', token.secret);
  const program = client(server.base, token.secret);
  await good(program('POST', '/api/services', { name: 'API' }));
  refused('a token by a token', await program('POST', '/api/tokens', { name: 'More', scope: 'read' }));
  await program('PUT', '/api/services/0199aaaa-bbbb-7ccc-8ddd-eeeeffff0000', { name: 'x' });
  refused('a made-up token', await client(server.base, secret('a made-up token'))('GET', '/api/services'));
  const madeUp = client(server.base, `aldis_${secret('a made-up API token')}`);
  refused('a made-up API token', await madeUp('GET', '/api/services'));
  await good(team.call('DELETE', `/api/tokens/${token.id}`));
  refused('a revoked API token', await program('GET', '/api/services'));
  return team;
}

/** Logs in by the form and returns the cookie header. */
async function logIn(server, { email, password }, accept) {
  const entered = await sendForm(server.base, 'account/login', { email, password }, { accept });
  keep(`the cookie number ${secrets.size}`, entered.cookies.aldis);
  return `aldis=${entered.cookies.aldis}`;
}

async function byForms(server, team) {
  for (const accept of ['text/html', 'application/json']) {
    const wrong = { email: team.email, password: secret(`a wrong password in a form for ${accept}`) };
    refused('a wrong password', await sendForm(server.base, 'account/login', wrong, { accept }));
    const cookie = await logIn(server, team, accept);
    for (const path of ['/dashboard', '/services', '/settings', '/account', '/team', '/nowhere', '/api/live', '/api/services']) {
      await fetch(server.base + path, { headers: { cookie, accept } }).then((answer) => answer.text());
    }
    await sendForm(server.base, 'add_group', { name: 'Core' }, { accept, cookie });
    const [wish, referer] = [{ name: 'Form', scope: 'read' }, `${server.base}/settings`];
    const { text } = await sendForm(server.base, 'access/create_api_token', wish, { accept, cookie, referer });
    keep(`an API token for ${accept}`, /aldis_[\w-]{43}/.exec(text)?.[0]);
    await sendForm(server.base, 'logout', {}, { accept, cookie });
  }
  await fetch(`${server.base}/dashboard`, { headers: { cookie: `aldis=${secret('a made-up cookie')}` } });
  await fetch(`${server.base}/login/code`, { headers: { cookie: `aldis-code=${secret('a made-up challenge')}` } });
}

/** Opens the link in a message and returns its secret. */
async function open(server, what, message) {
  const link = linksIn(message)[0];
  const secret = keep(what, link?.split('/').pop());
  if (!message.html.includes(secret)) throw new Error(`${what} is not in the HTML of its message`);
  for (const path of [new URL(link).pathname, `${new URL(link).pathname}?x=${secret}`]) {
    await fetch(server.base + path).then((answer) => answer.text());
  }
  return secret;
}

async function byInvitations(server, team) {
  const other = await register(server.base, { password: secret('the password of another registration') });
  for (const accept of ['text/html', 'application/json']) {
    const email = `guest-${accept.split('/')[1]}@example.test`;
    const { link } = await good(team.call('POST', '/api/team/invitations', { email, role: 'member' }));
    const token = await open(server, `an invitation for ${accept}`, await mail.latestTo(email));
    if (!link.endsWith(token)) throw new Error('the message contains another link');
    const join = (name, fields, cookie) =>
      sendForm(server.base, `team/${name}`, fields, { accept, ...(cookie && { cookie }) });
    const weak = { token, name: 'Grace', password: secret(`a short password for ${accept}`).slice(0, 9) };
    refused('a short password', await join('join_as_new', weak));
    const password = secret(`the password of a guest for ${accept}`);
    const joined = await join('join_as_new', { token, name: 'Grace', password });
    const cookie = `aldis=${keep(`the cookie of a guest for ${accept}`, joined.cookies.aldis)}`;
    refused('an invitation used twice', await join('join_as_new', { token, name: 'Eve', password }));

    const second = await good(other.call('POST', '/api/team/invitations', { email, role: 'admin' }));
    const again = keep(`a second invitation for ${accept}`, second.link.split('/').pop());
    const wrong = secret(`a wrong password at an invitation for ${accept}`);
    refused('a wrong password', await join('join_with_password', { token: again, password: wrong }));
    const entered = await join('join_with_password', { token: again, password });
    keep(`the cookie of a second invitation for ${accept}`, entered.cookies.aldis);

    const third = await register(server.base, { password: secret(`one more registration for ${accept}`) });
    const last = await good(third.call('POST', '/api/team/invitations', { email, role: 'member' }));
    const taken = keep(`a third invitation for ${accept}`, last.link.split('/').pop());
    const accepted = await join('accept_invitation', { token: taken }, cookie);
    keep(`the cookie of a third invitation for ${accept}`, accepted.cookies.aldis);
  }
}

async function byTheAccount(server, team) {
  for (const [round, accept] of ['text/html', 'application/json'].entries()) {
    const cookie = await logIn(server, team, accept);
    const account = (name, fields) => sendForm(server.base, `account/${name}`, fields, { accept, cookie });
    const confirm = (password) => account('confirm_password', { password, next: '/settings' });
    refused('a wrong confirmation', await confirm(secret(`a wrong confirmation for ${accept}`)));
    await confirm(team.password);
    const fresh = secret(`a new password for ${accept}`);
    const wrong = { password: secret(`a wrong old password for ${accept}`), new_password: fresh };
    refused('a wrong old password', await account('change_password', wrong));
    const changed = await account('change_password', { password: team.password, new_password: fresh });
    keep(`the cookie of a new password for ${accept}`, changed.cookies.aldis);
    team.password = fresh;

    const reset = (name, fields) => sendForm(server.base, `account/${name}`, fields, { accept });
    await reset('request_password_reset', { email: team.email });
    const token = await open(server, `a link for ${accept}`, await mail.latestTo(team.email, round + 1));
    const weak = { token, password: secret(`a short reset for ${accept}`).slice(0, 9) };
    refused('a short reset', await reset('reset_password', weak));
    const password = secret(`a reset for ${accept}`);
    await reset('reset_password', { token, password });
    refused('a link used twice', await reset('reset_password', { token, password }));
    team.password = password;
  }
  const again = await good(client(server.base)('POST', '/api/auth/login', { email: team.email, password: team.password }));
  team.token = keep('the token after all resets', again.access_token);
}

async function byTheSecondFactor(server, team) {
  const cookie = await logIn(server, team, 'text/html');
  const account = (name, fields, accept = 'application/json') =>
    sendForm(server.base, `account/${name}`, fields, { accept, cookie });
  await account('begin_second_factor', {});
  const page = await fetch(`${server.base}/account/second-factor`, { headers: { cookie } }).then((answer) => answer.text());
  const key = keep('the key as it is shown', /<code class="key">([A-Z2-7 ]+)</.exec(page)?.[1]);
  keep('the key as apps take it', key.replaceAll(' ', ''));
  refused('a wrong code', await account('enable_second_factor', { code: '000000' }));
  const told = await account('enable_second_factor', { code: totp(key, -1) });
  const codes = JSON.parse(told.text).codes;
  for (const [number, code] of codes.entries()) keep(`the recovery code number ${number}`, code);

  // With the password alone one gets no further than the question for a code.
  const { email, password } = team;
  const challenge = async () => {
    const { cookies } = await sendForm(server.base, 'account/login', { email, password }, { accept: 'text/html' });
    return `aldis-code=${keep(`the challenge number ${secrets.size}`, cookies['aldis-code'])}`;
  };
  const answer = async (code) =>
    sendForm(server.base, 'account/login_code', { code, next: '/' }, { accept: 'text/html', cookie: await challenge() });
  refused('a made-up recovery code', await answer(secret('a made-up recovery code')));
  const entered = await answer(codes[0]);
  keep('the cookie after a recovery code', entered.cookies.aldis);
  const anybody = client(server.base);
  refused('no code', await anybody('POST', '/api/auth/login', { email, password }));
  const login = await good(anybody('POST', '/api/auth/login', { email, password, code: codes[1] }));
  team.token = keep('the token after a recovery code', login.access_token);

  const renewed = await account('renew_recovery_codes', { password });
  for (const code of JSON.parse(renewed.text).codes) keep(`a renewed recovery code number ${secrets.size}`, code);
  refused('a wrong password', await account('disable_second_factor', { password: secret('a wrong password at the end') }));
  await account('disable_second_factor', { password });
}

/** Links that were mailed, and what people put into addresses by mistake. */
async function inAddresses(server) {
  const places = ['/reset-password/', '/reset-password?token=', '/invite/', '/dashboard?password=', '/api/services?token=', '/nowhere/'];
  for (const path of places) {
    const answer = await fetch(`${server.base}${path}${secret(`a secret under ${path}`)}`, { redirect: 'manual' });
    await answer.text();
  }
  const place = `${server.base}/reset-password/${secret('a secret in a report')}`;
  const report = JSON.stringify({ 'csp-report': { 'document-uri': place, 'blocked-uri': place } });
  await fetch(`${server.base}/csp-report`, { method: 'POST', body: report });
}

function bySocket(server, team) {
  const headers = {
    authorization: `Bearer ${team.token}`,
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
  };
  return new Promise((resolve, reject) => {
    const request = http.get(`${server.base}/api/live`, { headers });
    request.once('upgrade', (_, socket) => {
      socket.once('data', () => socket.destroy());
      socket.once('close', resolve);
    });
    request.once('response', (answer) => reject(new Error(`no socket: ${answer.statusCode}`)));
    request.once('error', reject);
  });
}

/** The output for settings with passwords that are invalid or whose server cannot be reached. */
function refusedSettings(binary, dir) {
  const cwd = mkdtempSync(join(dir, 'refused-'));
  return [
    { DATABASE_URL: `postgres://aldis:${secret('the password of PostgreSQL')}@127.0.0.1:1/aldis` },
    { DATABASE_URL: `mysql://aldis:${secret('the password of MySQL')}@127.0.0.1:1/aldis` },
    { DATABASE_URL: `oracle://aldis:${secret('the password of an unknown database')}@127.0.0.1:1/aldis` },
    { REDIS_URL: `redis://:${secret('the password of Redis')}@127.0.0.1:1` },
    { SMTP_URL: `smtp://postman:${secret('the password of no mail server')}@127.0.0.1:1`, ALDIS_MAIL_FROM: 'a@example.test' },
    { SMTP_URL: `smpt://postman:${secret('the password of a wrong address')}@127.0.0.1:1`, ALDIS_MAIL_FROM: 'a@example.test' },
    { ALDIS_JWT_SECRET: keep('a key that is too short', 'k9Xv4Lq') },
  ].flatMap((settings) => {
    const env = { PATH: process.env.PATH, ALDIS_LOG: 'trace', ...settings };
    const { stdout, stderr, status } = spawnSync(binary, ['check'], { cwd, env, encoding: 'utf8', timeout: 60_000 });
    if (status === 0) throw new Error(`${Object.keys(settings)[0]} was accepted`);
    return `${stdout}\n${stderr}`.split('\n');
  });
}
