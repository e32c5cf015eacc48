// Stores payloads in every free text field of an organization.
import { good, register, sendForm } from '../../server.mjs';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const at = (milliseconds) => new Date(Date.now() + milliseconds).toISOString();

/** Valid email addresses that contain code. */
const ODD_ADDRESSES = ["'onmouseover='window.__xss=1'@example.test", '`onload=window.__xss=1`@example.test', '{{window.__xss=1}}@example.test'];
/** Of this many incidents, one is left open, one loses its service, and one gives a person their name. */
const SOME = 6;

/** Registers an organization, named by a payload. */
export async function organization(server, line) {
  const team = await register(server.base, { organization_name: line, name: line });
  const cookie = `aldis=${team.token}`;
  const form = (name, fields) => sendForm(server.base, name, fields, { accept: 'application/json', cookie });
  return { ...team, form, anonymous: (name, fields) => sendForm(server.base, name, fields, { accept: 'application/json' }) };
}

/** Renames the organization and the member who is logged in. */
export async function rename(team, line) {
  for (const [name, fields] of [['rename_organization', { name: line }], ['account/change_name', { name: line }]]) {
    const answer = await team.form(name, fields);
    if (answer.status >= 400) throw new Error(`${name}: ${answer.status} ${answer.text}`);
  }
}

/** Invites somebody; returns the path of the link. */
export async function invite(team, email) {
  const { link } = await good(team.call('POST', '/api/team/invitations', { email, role: 'member' }));
  return new URL(link).pathname;
}

/** Stores each text and each name in every field for it; returns the ids of what was created. */
export async function store(team, texts, lines) {
  const things = [];
  for (const [index, text] of texts.entries()) things.push(await thing(team, index, text, lines[index]));
  // Names of invited people and their devices are payloads, too.
  for (const line of lines.filter((_, index) => index % SOME === 0)) await guest(team, line);
  for (const address of ODD_ADDRESSES) await invite(team, address);
  return things;
}

async function thing({ call }, index, text, name) {
  const add = (path, body) => good(call('POST', path, body));
  const group = await add('/api/groups', { name });
  const service = await add('/api/services', { name, description: text.slice(0, 500), group_id: group.id });
  const services = [{ id: service.id, status: 'degraded' }];
  const incident = await add('/api/incidents', { title: name, message: text, services });
  const said = `/api/incidents/${incident.id}/updates`;
  const update = await add(said, { message: text, status: 'identified' });
  await good(call('PUT', `${said}/${update.id}`, { message: `${text}\n\nagain` }));
  await add(said, { message: text, status: 'resolved' });
  await good(call('PUT', `/api/incidents/${incident.id}`, { postmortem: text, publish_postmortem: true }));
  // In a past month.
  const past = { started_at: at(-40 * DAY), resolved_at: at(-40 * DAY + HOUR) };
  await add('/api/incidents', { title: name, message: text, services, ...past });
  const template = await add('/api/templates', { name, title: name, message: text });
  await add('/api/tokens', { name, scope: 'read' });
  const window = { starts_at: at(DAY + index * HOUR), ends_at: at(DAY + (index + 1) * HOUR), service_ids: [service.id] };
  const maintenance = await add('/api/incidents', { title: name, message: text, incident_type: 'maintenance', ...window });
  if (index % SOME === 0) {
    await add('/api/incidents', { title: name, message: text, services: [{ id: service.id, status: 'major_outage' }] });
    await add('/api/incidents', { title: name, message: text, is_draft: true });
    const repeated = { starts_at: at(9 * DAY), ends_at: at(9 * DAY + HOUR), recurrence: 'FREQ=WEEKLY;COUNT=2' };
    await add('/api/incidents', { title: name, message: text, incident_type: 'maintenance', ...repeated });
  }
  if (index % SOME === 1) {
    // The incident keeps its name.
    const short = await add('/api/services', { name });
    await add('/api/incidents', { title: name, message: text, services: [{ id: short.id, status: 'degraded' }] });
    await good(call('DELETE', `/api/services/${short.id}`));
  }
  return { incident: incident.id, update: update.id, service: service.id, group: group.id, template: template.id, maintenance: maintenance.id };
}

async function guest(team, line) {
  const email = `guest-${Math.random().toString(36).slice(2)}@example.test`;
  const token = (await invite(team, email)).split('/').pop();
  const joined = await team.anonymous('team/join_as_new', { token, name: line, password: 'canary lantern over calm water 77' });
  if (joined.status >= 400) throw new Error(`joining: ${joined.status} ${joined.text}`);
  const agent = { 'user-agent': encodeURI(line).replaceAll('%20', ' ').replaceAll('%3C', '<').replaceAll('%3E', '>').replaceAll('%22', '"') };
  await good(team.call('POST', '/api/auth/login', { email: team.email, password: team.password }, agent));
}

/** The pages that show several payloads at once. */
export const lists = ({ slug }, text) => [
  '/dashboard',
  '/services',
  '/incidents',
  `/incidents?search=${encodeURIComponent(text)}`,
  '/incidents/new',
  '/incidents/past',
  '/incidents/templates',
  '/maintenances',
  '/maintenances/new',
  '/team',
  '/account',
  '/account/second-factor',
  '/settings',
  '/settings/audit',
  `/confirm?next=${encodeURIComponent(text)}`,
  '/logout',
  `/public/${slug}`,
  `/public/${slug}/history`,
  `/public/${slug}/history?month=${at(-40 * DAY).slice(0, 7)}`,
  `/api/public/${slug}/status`,
  `/api/public/${slug}/timeline`,
];

/** Addresses of pages that may show a part of the address. */
export const addresses = ({ slug }, text) => {
  const part = encodeURIComponent(text);
  return [
    `/login?next=${part}`,
    `/login/code?next=${part}`,
    `/reset-password/${part}`,
    `/invite/${part}`,
    `/public/${part}`,
    `/public/${slug}/incidents/${part}`,
    `/public/${slug}/history?month=${part}`,
    `/incidents?search=${part}&status=${part}&service=${part}&from=${part}&before=${part}`,
    `/settings/audit?action=${part}&actor=${part}&from=${part}&before=${part}`,
    `/incidents/${part}`,
    `/services/${part}`,
    `/incidents/new?template=${part}`,
    `/nowhere/${part}`,
    `/api/nowhere/${part}`,
  ];
};
