// T2 (docs/security.md): responses that must be indistinguishable are equal and take the same time, so that they do not
// reveal accounts, links, ids or addresses. Usage: node timing.mjs BINARY
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { mailServer } from '../mailbox.mjs';
import { client, good, register, sendForm, withServer } from '../server.mjs';

const SAMPLES = Number(process.env.BATTERY_SAMPLES ?? 200);
/** Warm-up rounds, which are not measured. */
const WARM_UP = 5;
/** Wrong passwords per account before the backoff begins. */
const TRIES = 4;
/** Maximum difference of medians, for names and for ids (R-03). */
const NAME_MS = 10;
const ID_MS = 5;
const NOBODY = 'canary-of-nobody-over-calm-water';

const median = (times) => times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)];
const faults = [];
let comparisons = 0;
let widest = 0;

/** Alternates between kinds, so that other load on the machine affects all of them alike. */
async function compare(what, kinds, most) {
  const times = new Map(kinds.map(([name]) => [name, []]));
  const answers = new Map(kinds.map(([name]) => [name, new Set()]));
  for (let round = 0; round < SAMPLES + WARM_UP; round += 1) {
    for (const [name, ask] of round % 2 ? kinds : kinds.toReversed()) {
      const began = performance.now();
      const answer = await ask(round);
      const took = performance.now() - began;
      if (round >= WARM_UP) times.get(name).push(took);
      answers.get(name).add(`${answer.status} ${answer.headers.get('location') ?? ''} ${answer.text}`);
    }
  }
  const medians = kinds.map(([name]) => [name, median(times.get(name))]);
  const spread = Math.max(...medians.map(([, time]) => time)) - Math.min(...medians.map(([, time]) => time));
  const all = new Set([...answers.values()].flatMap((said) => [...said]));
  const line = `${what}: ${medians.map(([name, time]) => `${name} ${time.toFixed(2)} ms`).join(', ')}; difference ${spread.toFixed(2)} ms`;
  console.log(`${line}; ${SAMPLES} of each, ${all.size === 1 ? 'all equal' : `${all.size} ANSWERS`}`);
  comparisons += 1;
  widest = Math.max(widest, spread);
  if (all.size > 1) {
    const said = [...answers].map(([name, said]) => `  ${name}: ${[...said].map((text) => text.slice(0, 300)).join(' | ')}`);
    faults.push(`${what}: distinguishable by content:\n${said.join('\n')}`);
  }
  if (spread > most) faults.push(`distinguishable by time: ${line}`);
}

const mail = await mailServer();
const settings = { SMTP_URL: `smtp://127.0.0.1:${mail.port}`, ALDIS_MAIL_FROM: 'Aldis <status@example.test>' };
await withServer('timing', settings, async (server) => {
  const anybody = client(server.base);
  const sql = (...lines) =>
    execFileSync('sqlite3', [join(server.dir, 'data/aldis.db'), ['PRAGMA busy_timeout = 5000;', ...lines].join(' ')]);
  const form = (name, fields) => sendForm(server.base, name, fields, { accept: 'application/json' });
  const somebody = (n) => `nobody-${n}-${Math.random().toString(36).slice(2)}@example.test`;

  const people = [];
  const count = Math.ceil((SAMPLES + WARM_UP) / TRIES);
  for (let n = 0; n < count * 2; n += 1) people.push(await register(server.base));
  const [known, disabled] = [people.slice(0, count), people.slice(count)];
  sql(`UPDATE user_account SET disabled_at = 1 WHERE email IN (${disabled.map(({ email }) => `'${email}'`).join(',')});`);
  const of = (list, n) => list[Math.floor(n / TRIES)];

  const login = (email, password) => anybody('POST', '/api/auth/login', { email, password });
  await compare(
    'login',
    [
      ['unknown', (n) => login(somebody(n), NOBODY)],
      ['wrong', (n) => login(of(known, n).email, NOBODY)],
      ['disabled', (n) => login(of(disabled, n).email, of(disabled, n).password)],
    ],
    NAME_MS,
  );
  await compare(
    'a forgotten password',
    [
      ['unknown', (n) => form('account/request_password_reset', { email: somebody(n) })],
      ['known', (n) => form('account/request_password_reset', { email: of(known, n).email })],
      ['disabled', (n) => form('account/request_password_reset', { email: of(disabled, n).email })],
    ],
    NAME_MS,
  );
  if (mail.messages.length === 0) faults.push('a forgotten password: no message was sent');
  if (mail.messages.some(({ to }) => disabled.some(({ email }) => email === to))) faults.push('a message to a disabled person');

  const taken = (n) => ({ ...wish(n), email: known[0].email });
  const wish = (n) => ({ organization_name: 'Org', slug: `free-${process.pid}-${n}`, name: 'Ada', email: somebody(n), password: `${NOBODY}-77` });
  const enter = (form) => anybody('POST', '/api/auth/register', form);
  const [one, other] = [await enter(taken('a')), await enter(wish('b'))];
  if (one.status === other.status) {
    await compare('registration', [['taken', (n) => enter(taken(n))], ['free', (n) => enter(wish(n))]], NAME_MS);
  } else {
    console.log(`registration: taken ${one.status}, free ${other.status}: distinguishable by design, behind the rate limit`);
  }

  const [ours, theirs] = [await register(server.base), await register(server.base)];
  await links(ours, form, sql, mail);
  await addresses(server, ours, theirs);
  await ids(ours, theirs);
  if (faults.length > 0) throw new Error(faults.join('\n'));
  console.log(`${comparisons} comparisons of ${SAMPLES} of each kind: all equal, difference at most ${widest.toFixed(2)} ms`);
});
mail.close();

/** Links that are invalid, expired, revoked or used. */
async function links(ours, form, sql, mail) {
  const invite = async (email) => {
    const { link } = await good(ours.call('POST', '/api/team/invitations', { email, role: 'member' }));
    return link.split('/').pop();
  };
  const [expired, revoked, accepted] = [await invite('late@example.test'), await invite('gone@example.test'), await invite('there@example.test')];
  const join = (token) => form('team/join_as_new', { token, name: 'Grace', password: `${NOBODY}-88` });
  const joined = await join(accepted);
  if (joined.status >= 400) throw new Error(`joining: ${joined.status} ${joined.text}`);
  sql(
    `UPDATE invitation SET expires_at = 1 WHERE email = 'late@example.test';`,
    `UPDATE invitation SET revoked_at = created_at WHERE email = 'gone@example.test';`,
  );
  const madeUp = () => Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64url');
  const kinds = (ask) => [
    ['unknown', () => ask(madeUp())],
    ['expired', () => ask(expired)],
    ['revoked', () => ask(revoked)],
    ['accepted', () => ask(accepted)],
  ];
  await compare('an invitation looked at', kinds((token) => form('team/view_invitation', { token })), NAME_MS);
  await compare('an invitation accepted', kinds(join), NAME_MS);

  await form('account/request_password_reset', { email: ours.email });
  const spent = (await mail.latestTo(ours.email)).text.match(/reset-password\/([\w-]+)/)[1];
  sql(`UPDATE password_reset SET expires_at = 1;`);
  const reset = (token) => form('account/reset_password', { token, password: `${NOBODY}-99` });
  await compare('a link for a new password', [['unknown', () => reset(madeUp())], ['expired', () => reset(spent)]], NAME_MS);
}

/** Public addresses of nothing, or of nothing visible to visitors. */
async function addresses(server, ours, theirs) {
  const anybody = client(server.base);
  const draft = await good(theirs.call('POST', '/api/incidents', { title: 'Draft', is_draft: true }));
  const foreign = await good(ours.call('POST', '/api/incidents', { title: 'Down' }));
  const page = (path) => () => anybody('GET', path);
  for (const path of ['/public/', '/api/public/']) {
    const rest = path === '/public/' ? '' : '/status';
    await compare(
      `GET ${path}{slug}${rest}`,
      [
        ['unknown', page(`${path}nobody-is-here${rest}`)],
        ['malformed', page(`${path}No_Body${rest}`)],
        ['reserved', page(`${path}admin${rest}`)],
      ],
      NAME_MS,
    );
  }
  await compare(
    'GET /public/{slug}/incidents/{id}',
    [
      ['unknown', page(`/public/${theirs.slug}/incidents/${beside(draft.id)}`)],
      ['a draft', page(`/public/${theirs.slug}/incidents/${draft.id}`)],
      ['another page’s', page(`/public/${theirs.slug}/incidents/${foreign.id}`)],
    ],
    ID_MS,
  );
}

/** Things of another organization, and unknown ids. */
async function ids(ours, theirs) {
  const service = await good(theirs.call('POST', '/api/services', { name: 'API' }));
  const group = await good(theirs.call('POST', '/api/groups', { name: 'Core' }));
  const incident = await good(theirs.call('POST', '/api/incidents', { title: 'Down' }));
  for (const [path, id, body] of [
    ['/api/services/', service.id, { name: 'x' }],
    ['/api/groups/', group.id, { name: 'x' }],
    ['/api/incidents/', incident.id, { title: 'x' }],
  ]) {
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const sent = method === 'PUT' ? body : undefined;
      await compare(
        `${method} ${path}{id}`,
        [
          ['foreign', () => ours.call(method, path + id, sent)],
          ['unknown', () => ours.call(method, path + beside(id), sent)],
        ],
        ID_MS,
      );
    }
  }
}

/** A plausible id with the same timestamp. */
function beside(id) {
  return id.slice(0, -4) + (id.endsWith('0000') ? '1111' : '0000');
}
