// Runs a command against a server with two filled organizations, with credentials for one of them. Fails if the command
// fails, if the server logs an internal error, or if anything of the other organization changes.
//
// Usage: node stranger.mjs BINARY COMMAND...
// The environment of the command has BASE and SLUG; credentials: EMAIL, PASSWORD and SESSION of an admin, MEMBER,
// READER, WRITER and OTHER_SESSION; and ids: SERVICE, GROUP, INCIDENT with its UPDATES, TEMPLATE, SERIES, MEMBERS,
// INVITATION and TOKEN.
import { spawn } from 'node:child_process';
import { good, register, sendForm, withServer } from '../server.mjs';

/** Numbers of things that a scanner deletes one by one. */
const UPDATES = 30;
const SEVERAL = 8;

await withServer('stranger', { ALDIS_LOG: 'error' }, async (server) => {
  const [team, other] = [await filled(server), await filled(server)];
  const before = await everything(other.call);
  const env = { ...process.env, BASE: server.base, ...team.env, OTHER_SESSION: other.token };
  const [command, ...rest] = process.argv.slice(3);
  const status = await new Promise((resolve, reject) => {
    const child = spawn(command, rest, { env, stdio: 'inherit' });
    child.once('exit', (code, signal) => resolve(signal ?? code));
    child.once('error', reject);
  });
  const after = await everything(other.call);
  const lines = server.log().split('\n').filter((line) => /panicked|internal error/i.test(line));
  if (lines.length > 0) console.error(`the server's log:\n${lines.slice(0, 20).join('\n')}`);
  for (const [path, text] of Object.entries(before)) {
    if (after[path] !== text) throw new Error(`${path} of another organization changed:\n${text}\n${after[path]}`);
  }
  const characters = Object.values(before).join('').length;
  console.log(`another organization: ${Object.keys(before).length} lists of ${characters} characters, unchanged`);
  if (lines.length > 0) throw new Error(`${lines.length} internal errors`);
  if (status !== 0) throw new Error(`${command} ended with ${status}`);
});

/** Creates an organization with something of everything; returns its credentials and ids for the environment. */
async function filled(server) {
  const team = await register(server.base);
  const { call, slug, token } = team;
  const add = (path, body) => good(call('POST', path, body));
  const service = await add('/api/services', { name: 'API', description: 'Answers.' });
  const group = await add('/api/groups', { name: 'Core' });
  const services = [{ id: service.id, status: 'degraded' }];
  const incident = await add('/api/incidents', { title: 'Down', message: 'We look.', services });
  const updates = [];
  for (let n = 0; n < UPDATES; n += 1) {
    const said = await add(`/api/incidents/${incident.id}/updates`, { message: `Still looking, ${n}.` });
    updates.push(said.id);
  }
  const template = await add('/api/templates', { name: 'Slow', title: '{{services}} slow', message: 'We look.' });
  const later = (days) => new Date(Date.now() + days * 86_400_000).toISOString();
  for (let n = 1; n <= SEVERAL; n += 1) {
    const window = { starts_at: later(n), ends_at: later(n + 0.1), recurrence: 'FREQ=WEEKLY;COUNT=2' };
    await add('/api/incidents', { title: `Backup ${n}`, incident_type: 'maintenance', ...window });
  }
  const series = await good(call('GET', '/api/maintenance-series'));
  const guests = [];
  for (let n = 1; n <= SEVERAL; n += 1) {
    const { link } = await add('/api/team/invitations', { email: `${slug}-guest-${n}@example.test`, role: 'member' });
    const form = { token: link.split('/').pop(), name: `Guest ${n}`, password: 'canary lantern over calm water 77' };
    const joined = await sendForm(server.base, 'team/join_as_new', form, { accept: 'application/json' });
    if (!joined.cookies.aldis) throw new Error(`joining: ${joined.status} ${joined.text}`);
    guests.push(joined.cookies.aldis);
  }
  const members = await good(call('GET', '/api/team'));
  const invitation = await add('/api/team/invitations', { email: `${slug}-late@example.test`, role: 'member' });
  const reader = await add('/api/tokens', { name: 'Reader', scope: 'read' });
  const writer = await add('/api/tokens', { name: 'Writer', scope: 'write' });
  // The last guest's session is the member's; the others may be removed.
  const removable = members.filter(({ name }) => /^Guest/.test(name)).slice(0, -1);
  const ids = (list) => list.map(({ id, user_id }) => user_id ?? id).join(',');
  const env = {
    EMAIL: team.email,
    PASSWORD: team.password,
    SLUG: slug,
    SESSION: token,
    MEMBER: guests.at(-1),
    READER: reader.secret,
    WRITER: writer.secret,
    SERVICE: service.id,
    GROUP: group.id,
    INCIDENT: incident.id,
    UPDATES: updates.join(','),
    TEMPLATE: template.id,
    SERIES: ids(series),
    MEMBERS: ids(removable),
    INVITATION: invitation.id,
    TOKEN: reader.id,
  };
  for (const [name, value] of Object.entries(env)) if (!value) throw new Error(`there is no ${name}`);
  return { ...team, env };
}

/** Everything that an admin can read of an organization, as text, without the times of last use, which reading
 * changes. */
async function everything(call) {
  const lists = ['services', 'groups', 'incidents?limit=100', 'templates', 'maintenance-series', 'team', 'team/invitations', 'tokens', 'auth/me'];
  const entries = [];
  for (const path of lists) {
    const list = await good(call('GET', `/api/${path}`));
    entries.push([path, JSON.stringify(list, (name, value) => (/^last_(seen|used)_at$/.test(name) ? undefined : value))]);
  }
  return Object.fromEntries(entries);
}
