// What depends on how long an organization's past is, with 12 incidents and with many.
import { slugOf } from './data.mjs';
import { median, timed } from './tools.mjs';

const api = ({ token }) => ({ authorization: `Bearer ${token}` });
const browser = ({ token }) => ({ cookie: `aldis=${token}` });

/** What is asked for: a path, and the headers of a member's request. All teams get the same amount. */
const ASKED = {
  page: [({ slug }) => `/public/${slug}`],
  month: [({ slug }) => `/public/${slug}/history`],
  list: [() => '/api/incidents?limit=10', api],
  'list by status': [() => '/api/incidents?limit=10&status=investigating', api],
  'list by service': [({ services }) => `/api/incidents?limit=3&service=${services[2]}`, api],
  'list by type': [() => '/api/incidents?limit=2&type=maintenance', api],
  uptime: [({ services }) => `/api/services/${services[0]}/uptime`, api],
  dashboard: [() => '/dashboard', browser],
  maintenances: [() => '/maintenances', browser],
};

/**
 * The median times in milliseconds of each of them on a database for `less` (12 incidents), `same` (12 of another team)
 * and `more` (many). A public page is the first of that team in a new process, which has served other organizations.
 */
export async function past(start, settings, teams, rounds) {
  const times = Object.fromEntries(Object.keys(ASKED).map((name) => [name, { few: [], again: [], many: [] }]));
  const order = ['few', 'again', 'many'];
  // Each team is the first one as often as the others.
  for (let round = 0; round < 3 * rounds; round++) {
    const server = await start(settings);
    for (let n = 0; n < 5; n++) await timed(`${server.base}/public/${slugOf(n)}`);
    for (const [name, [path, member]] of Object.entries(ASKED)) {
      // What is not cached is asked for once before it counts.
      for (let n = member ? 0 : 1; n <= (member ? 5 : 1); n++) {
        for (const slug of order) {
          const taken = await timed(server.base + path(teams[slug]), member?.(teams[slug]));
          if (n) times[name][slug].push(taken);
        }
      }
    }
    order.push(order.shift());
    await server.stop();
  }
  return Object.entries(times).map(([name, { few, again, many }]) => {
    const [less, same, more] = [few, again, many].map(median);
    return { name, less, same, more };
  });
}
