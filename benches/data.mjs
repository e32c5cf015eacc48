// Data to measure with. What is typical is created once through the REST API, so that every row is as the server writes
// it; SQL then copies those rows under new ids and times.
import { spawnSync } from 'node:child_process';
import { good, register } from '../end2end/server.mjs';

const DAY = 86_400_000;
const HOUR = 3_600_000;
/** How long an incident lasted. */
const LASTED = 2_400_000;
/** The tables with the parts of an incident, which have ids of their own. */
const PARTS = ['incident_update', 'incident_impact', 'status_change'];
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

  /** The id of row `b` of bench_copy, or that of its `part`, from 1 to 255. */
  newId(part = 0) {
    const mark = `70${part.toString(16).padStart(2, '0')}`;
    if (this.kind === 'postgres') return `overlay(b.id::text PLACING '${mark}' FROM 15 FOR 4)::uuid`;
    const [head, tail] = ['SUBSTR(b.id, 1, 6)', 'SUBSTR(b.id, 9)'];
    if (this.kind === 'mysql') return `CONCAT(${head}, X'${mark}', ${tail})`;
    return `CAST(${head} || X'${mark}' || ${tail} AS BLOB)`;
  }

  /** The ids that a condition selects from a table. */
  ids(table, where) {
    return this.run(`SELECT ${this.kind === 'postgres' ? 'id' : 'HEX(id)'} FROM ${table} WHERE ${where};`);
  }

  /** Runs `statements` with a table bench_copy of `count` rows: n from 0, the time `at(n)`, and a new id. */
  copies(count, at, statements) {
    const rows = Array.from({ length: count }, (_, n) => `(${n}, ${at(n)}, ${this.id(uuid(at(n), n))})`);
    const inserts = [];
    for (let from = 0; from < rows.length; from += BATCH) {
      inserts.push(`INSERT INTO bench_copy VALUES ${rows.slice(from, from + BATCH).join(', ')}`);
    }
    this.run(
      'DROP TABLE IF EXISTS bench_copy; CREATE TABLE bench_copy AS ' +
        'SELECT created_at AS n, created_at AS moment, id FROM service WHERE 1 = 0;',
    );
    this.all([...inserts, ...statements]);
    this.run('DROP TABLE bench_copy;');
  }

  /** Updates the statistics of the query planner, as the database would by itself after a while. */
  analyze() {
    const tables = ['organization', 'service', 'incident', 'incident_service', ...PARTS];
    this.run(this.kind === 'mysql' ? `ANALYZE TABLE ${tables.join(', ')};` : 'ANALYZE;');
  }
}

/** A version 7 UUID of that time; the same for the same arguments. */
function uuid(at, n) {
  const hex = `${at.toString(16).padStart(12, '0')}70008${n.toString(16).padStart(15, '0')}`;
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

/** An incident of these services with four updates, the last of which resolves it. Returns its id. */
async function resolved(team, title, ...of) {
  const message = 'Some requests **fail** or take longer than usual. We are looking into the cause.';
  const body = { title, message, services: of.map((id) => ({ id, status: 'partial_outage' })) };
  const { id } = await good(team.call('POST', '/api/incidents', body));
  await updated(team, id, 'identified', 'monitoring', 'resolved');
  return id;
}

async function updated(team, incident, ...statuses) {
  for (const status of statuses) {
    const message = `The state is now: ${status}. Details follow as soon as we know more.`;
    await good(team.call('POST', `/api/incidents/${incident}/updates`, { status, message }));
  }
}

/** A maintenance of a service that begins after so many hours. Returns its id. */
async function planned(team, title, service, hours) {
  const [starts_at, ends_at] = [hours, hours + 1].map((from) => new Date(Date.now() + from * HOUR).toISOString());
  const body = { incident_type: 'maintenance', title, message: 'Read-only for a while.', service_id: service };
  return (await good(team.call('POST', '/api/incidents', { ...body, starts_at, ends_at }))).id;
}

/**
 * What is on the page of a team with a past: eight incidents that are resolved, a maintenance that is completed and one
 * that was cancelled, whose ids are returned; besides, an open incident and a scheduled maintenance.
 */
async function past(team) {
  const [first, second, third] = (team.services = await services(team, 3));
  const ids = [];
  for (let n = 0; n < 8; n++) {
    const of = [[first], [second], [third], [first, third]][n % 4];
    ids.push(await resolved(team, `Trouble of the week ${n}`, ...of));
  }
  ids.push(await planned(team, 'Upgrade', second, 1), await planned(team, 'Move', first, 30));
  await updated(team, ids[8], 'in_progress', 'completed');
  await updated(team, ids[9], 'cancelled');
  const open = { title: 'Slow search', services: [{ id: third, status: 'degraded' }] };
  await good(team.call('POST', '/api/incidents', open));
  await planned(team, 'New disks', first, 240);
  return ids;
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
 * `standard` (100 services in 10 groups, 20 resolved incidents within 80 days), and with `incidents` also `few` (12
 * incidents), `again` (the same) and `many` (so many more, beyond what a page shows). `organizations` more
 * organizations, with five services each, have the slugs of `slugOf`.
 */
export async function fill(start, settings, { organizations = 0, incidents = 0 } = {}) {
  const sql = new Sql(settings.DATABASE_URL);
  const server = await start(settings);
  const statements = [];
  const teams = {};
  let patterns;
  try {
    const make = async (slug) => register(server.base, { slug, organization_name: `Bench ${slug}`, email: `${slug}@example.test` });
    const standard = (teams.standard = await make('standard'));
    standard.services = await services(standard, 100);
    for (let n = 0; n < 20; n++) {
      const service = standard.services[n * 5];
      const incident = await resolved(standard, `Errors in region ${n + 1}`, service);
      statements.push(...moved(sql, incident, service, (n + 1) * 4 * DAY - DAY));
    }
    if (incidents) for (const slug of ['few', 'again', 'many']) patterns = await past((teams[slug] = await make(slug)));
    if (organizations) await services(await make('pattern'), 5);
  } finally {
    await server.stop();
  }
  const old = ['organization', 'service_group', 'service'].map((table) => `UPDATE ${table} SET created_at = created_at - ${100 * DAY}`);
  sql.all([...old, ...statements]);
  if (organizations) copyOrganizations(sql, organizations);
  if (incidents) copyIncidents(sql, patterns, incidents);
  sql.analyze();
  return teams;
}

function copyOrganizations(sql, count) {
  const pattern = sql.id(sql.ids('organization', "slug = 'pattern'")[0]);
  const began = Date.now() - 90 * DAY;
  const slug = { sqlite: "printf('bench-%05d', b.n)", mysql: "CONCAT('bench-', LPAD(b.n, 5, '0'))" }[sql.kind]
    ?? "'bench-' || LPAD(b.n::text, 5, '0')";
  const parts = ['membership', 'service_group', 'service', 'status_change'];
  sql.copies(count, (n) => began + n * 1000, [
    sql.copy('organization', `r.id = ${pattern}`, { id: 'b.id', slug }),
    ...parts.map((table) => sql.copy(table, `r.org_id = ${pattern}`, { org_id: 'b.id' })),
  ]);
}

/**
 * Copies incidents, each in its turn, into the past beyond the 90 days of a page, one per hour, with all that belongs
 * to them: services, impacts, updates, and the changes of status meanwhile.
 */
function copyIncidents(sql, patterns, count) {
  const last = Date.now() - 100 * DAY;
  for (const [turn, incident] of patterns.entries()) {
    const it = `id = ${sql.id(incident)}`;
    const read = (value) => sql.run(`SELECT ${value} FROM incident WHERE ${it};`)[0];
    const org = read(sql.kind === 'postgres' ? 'org_id' : 'HEX(org_id)');
    const [from, to] = ['created_at', 'resolved_at'].map(read);
    const scope = `org_id = ${sql.id(org)}`;
    // Its times, moved with it; what ended it came later than in the pattern.
    const moved = (table, ended) =>
      Object.fromEntries(
        sql.columns(table).filter((name) => /_at$|^scheduled_/.test(name))
          .map((name) => [name, `r.${name} - ${from} + b.moment + ${ended || /^(resolved|to)_at$/.test(name) ? LASTED : 0}`]),
      );
    const statements = [
      sql.copy('incident', `r.${scope} AND r.${it}`, { ...moved('incident'), id: 'b.id' }),
      sql.copy('incident_service', `r.${scope} AND r.incident_${it}`, { incident_id: 'b.id' }),
    ];
    const belongs = { status_change: `${scope} AND created_at BETWEEN ${from} AND ${to}` };
    const ended = {
      incident_update: "status IN ('resolved', 'completed', 'cancelled')",
      status_change: "new_status = 'operational'",
    };
    let part = 0;
    for (const table of PARTS) {
      const all = belongs[table] ?? `${scope} AND incident_${it}`;
      const late = new Set(ended[table] ? sql.ids(table, `${all} AND ${ended[table]}`) : []);
      for (const id of sql.ids(table, all)) {
        const more = table === 'status_change' ? {} : { incident_id: 'b.id' };
        const values = { ...moved(table, late.has(id)), ...more, id: sql.newId(++part) };
        statements.push(sql.copy(table, `r.${scope} AND r.id = ${sql.id(id)}`, values));
      }
    }
    const share = Math.floor((count + patterns.length - 1 - turn) / patterns.length);
    sql.copies(share, (n) => last - (n * patterns.length + turn) * HOUR, statements);
  }
}
