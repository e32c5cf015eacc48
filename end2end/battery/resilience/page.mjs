// An organization whose public page shows something of everything.
import { good, register } from '../../server.mjs';

const SERVICES = 20;

/** Creates it; `paths` are its public documents, and `beacon` is the service that tests change. */
export async function filledPage(base) {
  const team = await register(base);
  const add = (path, body) => good(team.call('POST', path, body));
  const services = [];
  for (let n = 1; n < SERVICES; n += 1) services.push(await add('/api/services', { name: `Service ${n}`, description: 'It answers.' }));
  const beacon = await add('/api/services', { name: 'Beacon', description: 'mark-0.' });
  for (let n = 0; n < 8; n += 1) {
    const affected = [{ id: services[n].id, status: 'degraded' }];
    const { id } = await add('/api/incidents', { title: `Slow answers ${n}`, message: 'We are looking into it.', services: affected });
    await add(`/api/incidents/${id}/updates`, { message: 'It is over.', status: 'resolved', services: [{ id: services[n].id, status: 'operational' }] });
  }
  // One that stays: pages with an open incident move with time, too.
  const open = await add('/api/incidents', {
    title: 'Failing uploads', message: 'We are looking into it.', services: [{ id: services[9].id, status: 'partial_outage' }],
  });
  const home = `/public/${team.slug}`;
  const status = `/api${home}/status`;
  const paths = { page: home, status, permalink: `${home}/incidents/${open.id}`, month: `${home}/history` };
  let number = 0;
  return { ...team, services, beacon, open, paths, list: () => good(team.call('GET', '/api/services')), mark };

  /** Changes the page; returns the answer and the text that the page must then have. */
  async function mark(call = team.call) {
    number += 1;
    const text = `mark-${number}.`;
    const answer = await call('PUT', `/api/services/${beacon.id}`, { description: text, status: number % 2 ? 'degraded' : 'operational' });
    return { answer, text };
  }
}
