// Data to measure with. What is typical is created once through the REST API, so that every row is as the server writes
// it; SQL then copies those rows under new ids and times.
import { spawnSync } from 'node:child_process';
import { good, register } from '../end2end/server.mjs';

const DAY = 86_400_000;
const HOUR = 3_600_000;
/** How long an incident of the standard page lasted, and one of the past. */
const LASTED = 2_400_000;
const PAST_LASTED = 240_000;
const BATCH = 500;

/** SQL on one database, by its command-line client. */
export class Sql {
  constructor(url) {
    const { protocol, username, password, hostname, port, pathname } = new URL(url);
    this.kind = protocol.slice(0, -1);
    const database = decodeURIComponent(pathname.slice(1));
    this.env = { ...process.env };
    if (this.kind === 'sqlite') {
      this.command = ['sqlite3', '-bail', url.slice('sqlite://'.length)];
    } else if (this.kind === 'mysql') {
      this.env.MYSQL_PWD = decodeURIComponent(password);
      const login = ['-h', hostname, '-P', port || '3306', '-u', decodeURIComponent(username), '--protocol=tcp'];
      this.command = ['mariadb', '--no-defaults', '-N', '-B', ...login, database];
    } else if (this.kind === 'postgres') {
      this.command = ['psql', '-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', url];
    } else {
      throw new Error(`${url}: the URL of a database begins with sqlite://, mysql:// or postgres://`);
    }
  }

  /** Runs statements and returns the lines they print. */
  run(text) {
    const [program, ...args] = this.command;
    const { status, stdout, stderr, error } = spawnSync(program, args, {
      input: text, env: this.env, encoding: 'utf8', maxBuffer: 1 << 28,
    });
    if (error || status !== 0) throw new Error(`${program}: ${error?.message ?? stderr.slice(0, 2000)}`);
    return stdout.split('\n').filter(Boolean);
  }

  /** Runs statements in one transaction. */
  all(statements) {
    return this.run(`BEGIN;\n${statements.join(';\n')};\nCOMMIT;\n`);
  }

  name(word) {
    return this.kind === 'mysql' ? `\`${word}\`` : `"${word}"`;
  }

  id(uuid) {
    return this.kind === 'postgres' ? `'${uuid}'` : `X'${uuid.replaceAll('-', '')}'`;
  }

  columns(table) {
    if (this.kind === 'sqlite') return this.run(`SELECT name FROM pragma_table_info('${table}');`);
    const schema = this.kind === 'mysql' ? 'DATABASE()' : 'CURRENT_SCHEMA()';
    return this.run(
      `SELECT column_name FROM information_schema.columns WHERE table_name = '${table}' AND table_schema = ${schema};`,
    );
  }

  /** The statement that copies rows `r` of a table once for each row `b` of bench_copy, with some values replaced. */
  copy(table, where, replaced) {
    const columns = this.columns(table);
    const names = columns.map((column) => this.name(column)).join(', ');
    const values = columns.map((column) => replaced[column] ?? `r.${this.name(column)}`).join(', ');
    return `INSERT INTO ${table} (${names}) SELECT ${values} FROM ${table} r CROSS JOIN bench_copy b WHERE ${where}`;
  }

  /** Runs `statements` with a table bench_copy of `count` rows: n, three new ids, and the time `at(n)`. */
  copies(first, count, at, statements) {
    const rows = Array.from({ length: count }, (_, step) => {
      const n = first + step;
      const ids = [1, 2, 3].map((kind) => this.id(uuid(at(n), kind, n)));
      return `(${n}, ${at(n)}, ${ids.join(', ')})`;
    });
    const inserts = [];
    for (let from = 0; from < rows.length; from += BATCH) {
      inserts.push(`INSERT INTO bench_copy VALUES ${rows.slice(from, from + BATCH).join(', ')}`);
    }
    this.run(
      'DROP TABLE IF EXISTS bench_copy; CREATE TABLE bench_copy AS SELECT created_at AS n, created_at AS moment, ' +
        'id, id AS second, id AS third FROM service WHERE 1 = 0;',
    );
    this.all([...inserts, ...statements]);
    this.run('DROP TABLE bench_copy;');
  }

  /** Updates the statistics of the query planner, as the database would by itself after a while. */
  analyze() {
    const tables = ['organization', 'service', 'status_change', 'incident', 'incident_service', 'incident_update'];
    this.run(this.kind === 'mysql' ? `ANALYZE TABLE ${tables.join(', ')};` : 'ANALYZE;');
  }
}

/** A version 7 UUID of that time; the same for the same arguments. */
function uuid(at, kind, n) {
  const hex = `${at.toString(16).padStart(12, '0')}700${kind}8${n.toString(16).padStart(15, '0')}`;
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** The slug of the nth copied organization, from 0. */
export const slugOf = (n) => `bench-${String(n).padStart(5, '0')}`;

/** Creates services, all of them in groups of ten if there are more than ten. */
async function services(team, count) {
  const ids = [];
  let group;
  for (let n = 0; n < count; n++) {
    if (count > 10 && n % 10 === 0) group = (await good(team.call('POST', '/api/groups', { name: `Region ${n / 10 + 1}` }))).id;
    const body = { name: `Service ${n + 1}`, description: 'What customers use', ...(group && { group_id: group }) };
    ids.push((await good(team.call('POST', '/api/services', body))).id);
  }
  return ids;
}

/** An incident with `updates` updates, the last of which resolves it. Returns its id. */
async function resolved(team, title, service, updates) {
  const message = 'Some requests **fail** or take longer than usual. We are looking into the cause.';
  const body = { title, message, services: [{ id: service, status: 'partial_outage' }] };
  const { id } = await good(team.call('POST', '/api/incidents', body));
  const steps = ['identified', 'monitoring'].slice(0, updates - 2);
  for (const status of [...steps, 'resolved']) {
    const text = `The state of this incident is now: ${status}. Details follow as soon as we know more.`;
    await good(team.call('POST', `/api/incidents/${id}/updates`, { status, message: text }));
  }
  return id;
}

/** Moves an incident, which is the only one of its service, `by` milliseconds into the past, and gives it a length. */
function moved(sql, incident, service, by) {
  const [it, of] = [sql.id(incident), sql.id(service)];
  const end = `- ${by} + ${LASTED}`;
  return [
    `UPDATE incident SET started_at = started_at - ${by}, created_at = created_at - ${by}, ` +
      `resolved_at = resolved_at ${end}, updated_at = updated_at ${end} WHERE id = ${it}`,
    `UPDATE incident SET monitoring_at = monitoring_at ${end} WHERE id = ${it} AND monitoring_at IS NOT NULL`,
    `UPDATE incident_update SET display_at = display_at - ${by}, created_at = created_at - ${by}, ` +
      `updated_at = updated_at - ${by} WHERE incident_id = ${it} AND status = 'investigating'`,
    `UPDATE incident_update SET display_at = display_at ${end}, created_at = created_at ${end}, ` +
      `updated_at = updated_at ${end} WHERE incident_id = ${it} AND status <> 'investigating'`,
    `UPDATE incident_impact SET from_at = from_at - ${by}, to_at = to_at ${end} WHERE incident_id = ${it}`,
    `UPDATE status_change SET created_at = created_at - ${by} WHERE service_id = ${of} AND new_status <> 'operational'`,
    `UPDATE status_change SET created_at = created_at ${end} WHERE service_id = ${of} AND new_status = 'operational'`,
    `UPDATE service SET status_since = status_since ${end} WHERE id = ${of}`,
  ];
}

/**
 * Fills an empty database, which a server migrates that `start` starts with these settings. Returns the teams:
 * `standard` (100 services in 10 groups, 20 resolved incidents within 80 days), `few` (10 incidents), and with
 * `incidents` also `many` (that many). `organizations` more organizations, with five services each, have the slugs of
 * `slugOf`.
 */
export async function fill(start, settings, { organizations = 0, incidents = 0 } = {}) {
  const sql = new Sql(settings.DATABASE_URL);
  const server = await start(settings);
  const statements = [];
  const teams = {};
  let pattern;
  try {
    const make = async (slug) => register(server.base, { slug, organization_name: `Bench ${slug}`, email: `${slug}@example.test` });
    const standard = (teams.standard = await make('standard'));
    standard.services = await services(standard, 100);
    for (let n = 0; n < 20; n++) {
      const service = standard.services[n * 5];
      const incident = await resolved(standard, `Errors in region ${n + 1}`, service, 4);
      statements.push(...moved(sql, incident, service, (n + 1) * 4 * DAY - DAY));
    }
    for (const slug of incidents ? ['few', 'many'] : ['few']) {
      const team = (teams[slug] = await make(slug));
      team.services = await services(team, 3);
      for (let n = 0; n < 10; n++) pattern = await resolved(team, `Trouble of the week ${n}`, team.services[0], 2);
    }
    if (organizations) await services(await make('pattern'), 5);
  } finally {
    await server.stop();
  }
  const old = ['organization', 'service_group', 'service'].map((table) => `UPDATE ${table} SET created_at = created_at - ${100 * DAY}`);
  sql.all([...old, ...statements]);
  if (organizations) copyOrganizations(sql, organizations);
  if (incidents > 10) copyIncidents(sql, pattern, incidents - 10);
  sql.analyze();
  return teams;
}

function copyOrganizations(sql, count) {
  const [hex] = sql.run(`SELECT ${sql.kind === 'postgres' ? 'id' : 'HEX(id)'} FROM organization WHERE slug = 'pattern';`);
  const pattern = sql.id(hex);
  const began = Date.now() - 90 * DAY;
  const slug = { sqlite: "printf('bench-%05d', b.n)", mysql: "CONCAT('bench-', LPAD(b.n, 5, '0'))" }[sql.kind]
    ?? "'bench-' || LPAD(b.n::text, 5, '0')";
  const parts = ['membership', 'service_group', 'service', 'status_change'];
  sql.copies(0, count, (n) => began + n * 1000, [
    sql.copy('organization', `r.id = ${pattern}`, { id: 'b.id', slug }),
    ...parts.map((table) => sql.copy(table, `r.org_id = ${pattern}`, { org_id: 'b.id' })),
  ]);
}

/** Copies a resolved incident with two updates into the past beyond the 90 days of a page, one per hour. */
function copyIncidents(sql, incident, count) {
  const last = Date.now() - 100 * DAY;
  const end = `b.moment + ${PAST_LASTED}`;
  const of = `r.incident_id = ${sql.id(incident)}`;
  const update = (status, id, at) =>
    sql.copy('incident_update', `${of} AND r.status = '${status}'`, {
      id, incident_id: 'b.id', created_at: at, display_at: at, updated_at: at,
    });
  sql.copies(0, count, (n) => last - n * HOUR, [
    sql.copy('incident', `r.id = ${sql.id(incident)}`, {
      id: 'b.id', started_at: 'b.moment', created_at: 'b.moment', resolved_at: end, updated_at: end,
    }),
    sql.copy('incident_service', of, { incident_id: 'b.id' }),
    sql.copy('incident_impact', of, { id: 'b.id', incident_id: 'b.id', from_at: 'b.moment', to_at: end }),
    update('investigating', 'b.second', 'b.moment'),
    update('resolved', 'b.third', end),
  ]);
}
