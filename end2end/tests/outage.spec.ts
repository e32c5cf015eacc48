// The database is away: the page says how old it is, stays readable, and is current again without a reload.

import { join } from 'node:path';
import { good, register, start } from '../server.mjs';
import { bringBack, takeAway } from '../sqlite.mjs';
import { expectAccessible } from './checks';
import { expect, go, stranger, test as base } from './fixtures';

const BINARY = process.env.ALDIS_TEST_BINARY;

type Server = Awaited<ReturnType<typeof start>>;

// A server of its own, as the database goes away from everybody who uses it.
const test = base.extend<{ server: Server }>({
  server: async ({}, use) => {
    if (!BINARY) throw new Error('set ALDIS_TEST_BINARY to the path of the server, as scripts/test does');
    const server = await start(BINARY, {});
    await use(server);
    await server.stop();
  },
  baseURL: async ({ server }, use) => use(server.base),
});

const NOTICE = 'This page may be out of date.';
const BACK = 'This page is up to date again.';

test('a page outlives its database, says how old it is, and is current again by itself', async ({
  page,
  server,
  expectConsole,
}) => {
  test.setTimeout(120_000);
  // A feed that is opened while it is away may be refused.
  expectConsole(/WebSocket connection to .* failed/, /status of 503/);
  const database = join(server.dir, 'data', 'aldis.db');
  const { slug, call } = await register(server.base);
  const api = (await good(call('POST', '/api/services', { name: 'API' }))) as { id: string };
  const message = 'We look at **every** cable.';
  await good(call('POST', '/api/incidents', { title: 'Cables cut', message, services: [{ id: api.id, status: 'degraded' }] }));
  const path = `/public/${slug}`;
  const shown = async () => (await fetch(server.base + path)).text();

  const visitor = await stranger(page, { baseURL: server.base });
  await visitor.clock.install();
  await go(visitor, path);
  await expect(visitor.getByRole('banner')).toContainText('Live');
  const service = visitor.locator('li.service');
  const notice = visitor.locator('main .outage');
  const news = visitor.locator('main > [aria-live=polite]').first();
  await expect(notice).toHaveCount(0);
  await expect(news).toBeEmpty();

  await expect(async () => {
    takeAway(database);
    expect(await shown()).toContain(NOTICE);
  }).toPass({ timeout: 30_000 });
  // It has followed everything up to now.
  await expect(notice).toHaveCount(0);
  await expect(service).toContainText('Degraded');

  await visitor.reload();
  await expect(visitor.locator('html.alive')).toBeAttached();
  await expect(notice).toContainText(NOTICE);
  await expect(notice.locator('time')).toHaveText(/^\d+ \w+ \d{4}, \d\d:\d\d \S+ \((just now|\d+ min ago)\)$/);
  await expect(service).toContainText('Degraded');
  await expect(visitor.getByText('We look at every cable.')).toBeVisible();
  await expectAccessible(visitor, 'a page with the notice');
  // Its age is not announced, and grows.
  await expect(news).toBeEmpty();
  await visitor.clock.fastForward('03:00');
  await expect(notice.locator('time')).toHaveText(/\([34] min ago\)$/);
  // Changes are refused.
  expect((await call('PUT', `/api/services/${api.id}`, { status: 'operational' })).status).toBe(503);

  // A live region must stay the same element: a new one is not announced.
  await news.evaluate((region) => region.setAttribute('data-before', ''));
  await visitor.evaluate(() => Object.assign(window, { before: true }));
  bringBack(database);
  await expect.poll(shown, { timeout: 30_000 }).not.toContain(NOTICE);
  await expect(async () => {
    await visitor.clock.fastForward(20_000);
    await expect(notice).toHaveCount(0, { timeout: 1_000 });
  }).toPass({ timeout: 20_000 });
  await expect(news).toHaveText(BACK);
  await expect(news).toHaveAttribute('data-before');
  await expectAccessible(visitor, 'a page that is current again');

  // The page goes on following changes.
  await good(call('PUT', `/api/services/${api.id}`, { status: 'major_outage' }));
  await expect(async () => {
    await visitor.clock.fastForward(5_000);
    await expect(service).toContainText('Major Outage', { timeout: 1_000 });
  }).toPass({ timeout: 20_000 });
  expect(await visitor.evaluate(() => 'before' in window), 'not reloaded').toBe(true);
});
