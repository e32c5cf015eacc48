// Targets of the injection scanner: every path, query and body parameter in the OpenAPI document of a running server,
// the forms, and the pages with parameters. One per line, separated by tabs: name, method, address, body, body type
// (json, form or nothing) and further options of sqlmap. A `*` in an address or a body marks the injection point.
//
// Usage: node targets.mjs, in the environment set by stranger.mjs. Fails if a parameter of the document has no target.
const { BASE, EMAIL, PASSWORD, SLUG, SERVICE, GROUP, INCIDENT, UPDATES, TEMPLATE, SERIES, MEMBERS, INVITATION, TOKEN } = process.env;
const first = (list) => list.split(',')[0];
const later = (days) => new Date(Date.now() + days * 86_400_000).toISOString();
const services = [{ id: SERVICE, status: 'degraded' }];
const past = { from: '2026-01-01T00:00:00Z', to: later(1) };

/** The id for paths with this prefix. */
const IDS = {
  services: SERVICE,
  groups: GROUP,
  incidents: INCIDENT,
  templates: TEMPLATE,
  'maintenance-series': first(SERIES),
  team: first(MEMBERS),
  invitations: INVITATION,
  tokens: TOKEN,
};
const PATH = { slug: SLUG, uid: first(UPDATES), user_id: first(MEMBERS) };
const QUERY = {
  ...past,
  q: 'down',
  status: 'investigating',
  type: 'incident',
  service: SERVICE,
  action: 'service_created',
  actor: first(MEMBERS),
  limit: 10,
  cursor: 'x',
};

/** The bodies of each operation, which cover every field; fields that exclude each other are in separate bodies. */
const maintenance = { incident_type: 'maintenance', starts_at: later(40), ends_at: later(41) };
const BODIES = {
  // Only the address, because of the backoff after wrong passwords; the password is tried in the form, with a new
  // address each time.
  'POST /api/auth/login': [{ email: 'ada@example.test*', password: 'canary-of-nobody', code: '123456' }],
  'POST /api/auth/register': [{ email: 'ada@example.test', name: 'Ada', organization_name: 'Acme', slug: 'acme', password: 'canary-of-nobody-77' }],
  'POST /api/groups': [{ name: 'x', position: 0 }],
  'PUT /api/groups/{id}': [{ name: 'x', position: 0, version: 1 }],
  'POST /api/services': [{ name: 'x', description: 'y', status: 'degraded', group_id: GROUP, position: 0 }],
  'PUT /api/services/{id}': [{ name: 'x', description: 'y', status: 'degraded', group_id: GROUP, position: 0, version: 1 }],
  'POST /api/incidents': [
    { title: 'x', message: 'y', status: 'investigating', impact: 'minor', services, notify: true, is_draft: true },
    { title: 'x', description: 'y', service_id: SERVICE },
    { title: 'x', service_ids: [SERVICE], started_at: later(-9), resolved_at: later(-8), correct_uptime: true },
    { title: 'x', ...maintenance, recurrence: 'FREQ=WEEKLY;COUNT=2', automations: { start: true, end: true } },
  ],
  'PUT /api/incidents/{id}': [
    { title: 'x', impact: 'minor', services, started_at: later(-1), is_draft: false },
    { title: 'x', postmortem: 'y', publish_postmortem: true, version: 1 },
    { starts_at: later(2), ends_at: later(3), automations: { start: true, end: true } },
  ],
  'POST /api/incidents/{id}/updates': [{ message: 'x', status: 'identified', services, notify: true, display_at: later(-0.1) }, { message: 'x', version: 1 }],
  'PUT /api/incidents/{id}/updates/{uid}': [{ message: 'x', display_at: later(-0.1) }, { message: 'x', version: 1 }],
  'POST /api/templates': [{ name: 'x', title: 'y', message: 'z', status: 'investigating', services }, { name: 'x', title: 'y', version: 1 }],
  'PUT /api/templates/{id}': [{ name: 'x', title: 'y', message: 'z', status: 'investigating', services, version: 1 }],
  'POST /api/team/invitations': [{ email: 'grace@example.test', role: 'member' }],
  'PUT /api/team/{user_id}': [{ role: 'member' }],
  'POST /api/tokens': [{ name: 'x', scope: 'read', expires_at: later(9) }],
};
const FORMS = {
  'account/login_code': { code: '123456', next: '/' },
  'account/request_password_reset': { email: 'ada@example.test' },
  'account/reset_password': { token: 'x', password: 'canary-of-nobody-77' },
  'account/revoke_session': { id: SERVICE },
  'team/view_invitation': { token: 'x' },
  // Where it succeeded, the session would go on under another id.
  'team/create_organization': { organization_name: 'x*', slug: SLUG },
  'team/join_as_new': { token: 'x', name: 'Ada', password: 'canary-of-nobody-77' },
  'team/set_member_role': { id: first(MEMBERS), role: 'member' },
  'access/audit_log': { action: 'service_created', actor: first(MEMBERS), from: '2026-01-01', to: '2026-12-31', before: '' },
  'incidents/incidents': { kind: 'incident', status: 'resolved', service: SERVICE, from: '2026-01-01', to: '2026-12-31', search: 'down', before: '' },
  add_group: { name: 'x' },
  add_service: { name: 'x', description: 'y', group_id: GROUP },
  rename_organization: { name: 'x' },
};
/** The login, field by field: an address with too many failures has to wait, and a successful login records the
 * browser's user agent. */
const LOGIN = [
  ['email', 'ada@example.test', 'canary-of-nobody', '-p email'],
  ['password', 'ada@example.test', 'canary-of-nobody', '-p password,next --randomize email'],
  ['browser', EMAIL, PASSWORD, '-p user-agent,referer'],
];
const PAGES = {
  'public page': `/public/${SLUG}*`,
  'public month': `/public/${SLUG}*/history?month=2026-11*`,
  'public incident': `/public/${SLUG}/incidents/${INCIDENT}*`,
  invitation: '/invite/x*',
  'new password': '/reset-password/x*',
  'list of incidents': '/incidents?search=down&status=resolved&service=x&from=2026-01-01&to=2026-12-31&before=x',
  log: '/settings/audit?action=service_created&actor=x&from=2026-01-01&to=2026-12-31&before=x',
};

const document = await fetch(`${BASE}/api/openapi.json`).then((answer) => answer.json());
const lines = [];
let parameters = 0;
for (const [path, item] of Object.entries(document.paths)) {
  for (const method of ['get', 'post', 'put']) {
    if (item[method] && !path.endsWith('/live') && path !== '/api/auth/logout') lines.push(...targets(method.toUpperCase(), path, item[method]));
  }
}
for (const [name, fields] of Object.entries(FORMS)) {
  lines.push([`form ${name}`, 'POST', `${BASE}/fn/aldis/app/server_fns/${name}`, String(new URLSearchParams(fields)), 'form']);
  parameters += Object.keys(fields).length;
}
for (const [name, email, password, options] of LOGIN) {
  const fields = new URLSearchParams({ email, password, next: '/services' });
  lines.push([`form account/login (${name})`, 'POST', `${BASE}/fn/aldis/app/server_fns/account/login`, String(fields), 'form', options]);
  parameters += options.split(',').length;
}
for (const [name, address] of Object.entries(PAGES)) {
  lines.push([name, 'GET', BASE + address, '', '']);
  parameters += address.split(/[*&]/).length - 1;
}
for (const line of lines) console.log(Array.from({ length: 6 }, (_, n) => line[n] || '-').join('\t'));
console.error(`${lines.length} targets with ${parameters} parameters`);

/** An operation's targets: its address with the query, its ids, and each of its bodies. */
function targets(method, path, operation) {
  const name = `${method} ${path}`;
  const given = (operation.parameters ?? []).filter((parameter) => parameter.in !== 'header');
  const value = ({ name: parameter }) => {
    const before = path.split(`/{${parameter}}`)[0].split('/').pop();
    const found = PATH[parameter] ?? (parameter === 'id' ? IDS[before] : undefined);
    if (found === undefined) throw new Error(`${name}: nothing for {${parameter}}`);
    return found;
  };
  const inPath = given.filter((parameter) => parameter.in === 'path');
  const inQuery = given.filter((parameter) => parameter.in === 'query');
  const address = (mark) => BASE + inPath.reduce((to, parameter) => to.replace(`{${parameter.name}}`, value(parameter) + mark), path);
  const found = [];
  if (inPath.length > 0) found.push([`${name} (ids)`, method, address('*'), JSON.stringify(BODIES[name]?.[0]), BODIES[name] ? 'json' : '']);
  if (inQuery.length > 0) {
    const missing = inQuery.filter(({ name: parameter }) => QUERY[parameter] === undefined);
    if (missing.length > 0) throw new Error(`${name}: nothing for ?${missing[0].name}`);
    const query = new URLSearchParams(inQuery.map(({ name: parameter }) => [parameter, QUERY[parameter]]));
    // Whatever refuses the cursor refuses everything: without it, and with it.
    if (query.has('cursor')) found.push([`${name} (cursor)`, method, `${address('')}?cursor=x`, '', '']);
    query.delete('cursor');
    if (query.size > 0) found.push([`${name} (query)`, method, `${address('')}?${query}`, '', '']);
  }
  if (operation.requestBody) {
    const bodies = BODIES[name] ?? [];
    const schema = operation.requestBody.content['application/json'].schema;
    const fields = Object.keys(document.components.schemas[schema.$ref.split('/').pop()].properties);
    const missing = fields.filter((field) => !bodies.some((body) => field in body));
    if (missing.length > 0) throw new Error(`${name}: no body has ${missing.join(', ')}`);
    // Where a password is hashed, each guess takes a while.
    const options = path.startsWith('/api/auth/') ? '--skip cookie,user-agent,referer' : '';
    for (const body of bodies) {
      found.push([`${name} (${Object.keys(body)[0]}, ${Object.keys(body).at(-1)})`, method, address(''), JSON.stringify(body), 'json', options]);
    }
    parameters += fields.length;
  }
  parameters += given.length;
  return found;
}
