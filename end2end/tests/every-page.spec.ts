// Every page as the server sends it and after hydration, also while the server is busy.

import { readFileSync } from 'node:fs';
import type { Page } from '@playwright/test';
import { content, expectAccessible } from './checks';
import { invite } from './colleague';
import { addGroup, addService, expect, go, NEXT_YEAR, REFUSED, setStatus, signUp, stranger, test } from './fixtures';

const ROUTES = new URL('../../src/app/routes.rs', import.meta.url);

/** How many other requests the server has to answer at the moment a page is opened. */
const CROWD = 10;
/** How often each page is opened. */
const OPENINGS = 3;
/** What is drawn by the client alone: what would follow from what is being written. */
const WITH_CLIENT = '.consequences, .room-preview, .postmortem-preview';

async function ask<T>(page: Page, method: string, path: string, data?: object): Promise<T> {
  const origin = new URL(test.info().project.use.baseURL!).origin;
  const response = await page.request.fetch(path, { method, data, headers: { origin } });
  expect(response.ok(), `${method} ${path}: ${response.status()} ${await response.text()}`).toBe(true);
  return (await response.json()) as T;
}

/** Sends a plain form. */
async function send(page: Page, name: string, form: Record<string, string> = {}): Promise<void> {
  const { origin } = new URL(test.info().project.use.baseURL!);
  const headers = { origin, accept: 'text/html' };
  const response = await page.request.post(`/fn/aldis/app/server_fns/${name}`, { form, headers, maxRedirects: 0 });
  expect(response.status(), await response.text()).toBe(303);
}

/** Signs up an organization with something of everything; every page of its members, under the route it belongs to. */
async function busy(page: Page): Promise<Record<string, string[]>> {
  await signUp(page, { organization: 'Lamp & "Sons" <Ltd>', name: 'Ada <Lamp>' });
  const { id: group_id } = await addGroup(page, 'Core & more');
  await addGroup(page, 'Empty');
  const api = await addService(page, { name: '<API> "x"', description: 'A\nB', group_id, status: 'degraded' });
  await addService(page, 'Web');
  await setStatus(page, api, 'major_outage');

  const open = (wish: object) => ask<{ id: string; updates: { id: string }[] }>(page, 'POST', '/api/incidents', wish);
  const services = [{ id: api.id, status: 'partial_outage' }];
  const message = 'We **look** & see.\n\n- <one>\n- two';
  const active = await open({ title: 'Payments "fail"', message, services });
  const said = `/api/incidents/${active.id}/updates`;
  await ask(page, 'POST', said, { message, status: 'identified' });
  await ask(page, 'PUT', `${said}/${active.updates[0]!.id}`, { message: `${message} again` });
  await open({ title: 'Not yet public', message, is_draft: true });
  const over = await open({ title: 'Mail was late', message, services: [{ id: api.id, status: 'degraded' }] });
  await ask(page, 'POST', `/api/incidents/${over.id}/updates`, { status: 'resolved' });
  await ask(page, 'PUT', `/api/incidents/${over.id}`, { postmortem: 'We **learned**.', publish_postmortem: true });
  const window = { starts_at: `${NEXT_YEAR}-03-02T02:00:00Z`, ends_at: `${NEXT_YEAR}-03-02T03:00:00Z` };
  const work = { incident_type: 'maintenance', message, service_ids: [api.id], ...window };
  const planned = await open({ title: 'Upgrade', ...work });
  await open({ title: 'Backup', ...work, recurrence: 'FREQ=WEEKLY;COUNT=3' });
  const template = await ask<{ id: string }>(page, 'POST', '/api/templates', {
    name: 'Slow <database>',
    title: '{{services}} slow',
    message,
    services,
  });
  await ask(page, 'POST', '/api/tokens', { name: 'Pipe & line', scope: 'read' });
  for (const role of ['member', 'admin'] as const) await invite(page, `${role}-to-be@example.test`, role);
  await send(page, 'account/begin_second_factor');

  return {
    '/dashboard': ['/dashboard'],
    '/incidents': ['/incidents', '/incidents?status=resolved', '/incidents?search=nothing'],
    '/incidents/new': ['/incidents/new', `/incidents/new?template=${template.id}`],
    '/incidents/past': ['/incidents/past'],
    '/incidents/templates': ['/incidents/templates'],
    '/maintenances': ['/maintenances'],
    '/maintenances/new': ['/maintenances/new'],
    '/services': ['/services'],
    '/services/:id': [`/services/${api.id}`, '/services/none'],
    '/incidents/:id': [active, over, planned, { id: 'none' }].map(({ id }) => `/incidents/${id}`),
    '/team': ['/team'],
    '/account': ['/account', '/account?saved=password'],
    '/account/new-organization': ['/account/new-organization'],
    '/account/second-factor': ['/account/second-factor'],
    '/settings': ['/settings'],
    '/settings/audit': ['/settings/audit', '/settings/audit?action=service_created'],
    '/confirm': ['/confirm?next=%2Fsettings'],
    '/logout': ['/logout'],
  };
}

/** Every page that needs nobody to be signed in, under its route. */
const atTheDoor = (invitation: string): Record<string, string[]> => ({
  '/': ['/'],
  '/login': ['/login', '/login?next=%2Fservices', '/login?reset=done'],
  '/login/code': ['/login/code?next=%2Fservices'],
  '/register': ['/register'],
  '/forgot-password': ['/forgot-password', '/forgot-password?sent=yes'],
  '/reset-password/:token': ['/reset-password/none'],
  '/invite/:token': [invitation, '/invite/none'],
});

/** Opens every page with and without the client, each time in a crowd, and compares. */
async function compare(page: Page, pages: Record<string, string[]>): Promise<void> {
  const paths = Object.values(pages).flat();
  const storageState = await page.context().storageState();
  const plain = await stranger(page, { javaScriptEnabled: false, storageState });
  const crowd = (from: number) =>
    Array.from({ length: CROWD }, async (_, n) => {
      const path = paths[(from + n) % paths.length]!;
      const response = await page.request.get(path, { maxRedirects: 0 });
      expect.soft(response.status(), `${path}, for the crowd`).toBeLessThan(500);
      await response.dispose();
    });
  for (const [from, path] of paths.entries()) {
    const sent = (await plain.goto(path))!.status();
    const before = await content(plain, WITH_CLIENT);
    expect(before, path).not.toBe('');
    for (let opening = 1; opening <= OPENINGS; opening += 1) {
      const [response] = await Promise.all([go(page, path), ...crowd(from)]);
      expect.soft(response!.status(), path).toBe(sent);
      expect.soft(await content(page, WITH_CLIENT), `${path}, opened for the ${opening}. time`).toBe(before);
    }
  }
}

test('these tests open every page of the application', async ({ page }) => {
  const routes = [...readFileSync(ROUTES, 'utf8').matchAll(/path!\("(\/[^"]*)"\)/g)].map(([, route]) => route!);
  expect(routes.length).toBeGreaterThan(20);
  const opened = Object.keys({ ...(await busy(page)), ...atTheDoor('/invite/none') });
  expect(opened.sort()).toEqual(routes.sort());
});

test('UI-04 UI-05 every page of a member is the same before and after hydration, however busy the server is', async ({
  page,
  expectConsole,
}) => {
  test.setTimeout(600_000);
  expectConsole(REFUSED);
  await compare(page, await busy(page));
});

test('UI-04 UI-05 pages without a session are the same before and after hydration, even on a busy server', async ({
  page,
  expectConsole,
}) => {
  test.setTimeout(300_000);
  expectConsole(REFUSED);
  const host = await stranger(page);
  await signUp(host);
  await compare(page, atTheDoor(await invite(host, 'somebody@example.test')));
});

test('the account, team and sign-in pages are accessible', async ({ page, expectConsole }) => {
  // What cannot be used is answered with 404, a code that nobody owes with 401.
  expectConsole(REFUSED);
  const pages = await busy(page);
  const invitation = await invite(page, 'somebody-new@example.test');
  for (const route of Object.keys(pages).filter((route) => /^\/(account|team|confirm|logout)/.test(route))) {
    await go(page, pages[route]![0]!);
    await expectAccessible(page, route);
  }
  const visitor = await stranger(page);
  for (const path of Object.values(atTheDoor(invitation)).flat()) {
    await go(visitor, path);
    await expectAccessible(visitor, path);
  }
});
