// Planning work, and finding it in the calendar.

import type { Page } from '@playwright/test';
import { expectAccessible, overflowing } from './checks';
import { addService, expect, go, NEXT_YEAR as year, REFUSED, signUp, test } from './fixtures';

test.use({ timezoneId: 'America/New_York' });

const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });
const field = (page: Page, name: string) => page.getByLabel(name, { exact: true });
const affected = (page: Page, service: string) =>
  page.getByRole('group', { name: 'Services affected' }).getByRole('combobox', { name: service, exact: true });
const under = (page: Page, heading: string) =>
  page
    .locator('main section')
    .filter({ has: page.getByRole('heading', { name: new RegExp(`^${heading}`) }) })
    .locator('.incident-row');
const inRoom = (page: Page) => page.waitForURL(/\/incidents\/[0-9a-f-]{36}$/);

async function plan(page: Page, title: string, starts: string, ends: string, service = 'Database', rule = '') {
  await go(page, '/maintenances/new');
  await field(page, 'Title').fill(title);
  await field(page, 'Starts').fill(`${year}-${starts}`);
  await field(page, 'Ends').fill(`${year}-${ends}`);
  await affected(page, service).selectOption('Under Maintenance');
  if (rule) await field(page, 'Rule').fill(rule);
}

async function send(page: Page) {
  await button(page, 'Schedule maintenance').click();
  await inRoom(page);
}

test('a window is shown in both time zones and listed under its month', async ({ page }) => {
  await signUp(page);
  await addService(page, 'Database');
  await go(page, '/dashboard');
  await page.getByRole('link', { name: 'Schedule maintenance' }).click();
  await page.waitForURL('**/maintenances/new');
  await plan(page, 'Upgrade', '03-02T02:00', '03-02T03:00');
  const window = page.locator('form .window');
  await expect(window).toContainText(`2 Mar ${year}, 02:00–03:00 UTC`);
  await expect(window).toContainText(`1 Mar ${year}, 21:00–22:00 GMT-5, in your zone`);
  await expect(page.locator('.consequences')).toContainText('All Systems Operational');
  await send(page);
  await go(page, '/maintenances');
  await expect(under(page, `March ${year}`)).toHaveText([/Scheduled.*Upgrade/]);
  await go(page, '/dashboard');
  await expect(under(page, 'Upcoming maintenance')).toContainText('Upgrade');
});

test('the form warns of a window that overlaps other work or a service with an incident', async ({ page }) => {
  await signUp(page);
  const database = await addService(page, 'Database');
  await addService(page, 'Shop');
  await plan(page, 'Upgrade', '03-02T02:00', '03-02T03:00');
  await send(page);
  await plan(page, 'Cabling', '03-02T03:00', '03-02T04:00');
  await expect(page.locator('.conflict'), 'they only touch').toHaveCount(0);
  await field(page, 'Starts').fill(`${year}-03-02T02:30`);
  await expect(page.locator('.conflict')).toHaveText([/^Overlaps on Database with Upgrade/]);
  await affected(page, 'Database').selectOption('Not affected');
  await expect(page.locator('.conflict')).toHaveCount(0);
  await affected(page, 'Database').selectOption('Under Maintenance');
  const broken = { title: 'Disks fail', services: [{ id: database.id, status: 'major_outage' }] };
  const origin = new URL(test.info().project.use.baseURL!).origin;
  expect((await page.request.post('/api/incidents', { data: broken, headers: { origin } })).status()).toBe(201);
  await expect(page.locator('.conflict')).toHaveText([/^Overlaps/, /^Open incident on Database: Disks fail/]);
  await send(page);
  await go(page, '/maintenances');
  await expect(under(page, `March ${year}`).locator('.conflict')).toHaveText([/with Cabling/, /with Upgrade/]);
});

test('a series repeats until somebody ends it', async ({ page }) => {
  await signUp(page);
  await addService(page, 'Database');
  await plan(page, 'Backup', '03-02T02:00', '03-02T03:00');
  await field(page, 'Repeat').selectOption('Every week');
  await expect(field(page, 'Rule')).toHaveValue('FREQ=WEEKLY');
  await field(page, 'Rule').fill('FREQ=WEEKLY;COUNT=3');
  await expect(field(page, 'Repeat')).toHaveValue('custom');
  await send(page);
  await go(page, '/maintenances');
  await expect(page.locator('.series-row')).toContainText('Every week, 3 times');
  await expect(page.locator('.incident-row', { hasText: 'Repeats' }).first()).toBeVisible();
  await page.getByText('End series').click();
  await button(page, 'End this series').click();
  await expect(page.locator('.series-row')).toHaveCount(0);
  await expect(under(page, 'Past').first()).toContainText('Cancelled');
});

test('UI-26 a window that ends before it starts is refused at its field, and everything else stays', async ({
  page,
  expectConsole,
}) => {
  expectConsole(REFUSED);
  await signUp(page);
  await addService(page, 'Database');
  await plan(page, 'Backwards', '03-02T02:00', '03-02T01:00', 'Database', 'FREQ=DAILY');
  await button(page, 'Schedule maintenance').click();
  await expect(field(page, 'Ends')).toBeFocused();
  await expect(page.getByText('The end must be after the start.')).toBeVisible();
  await expect(affected(page, 'Database')).toHaveValue('under_maintenance');
  await expect(field(page, 'Rule')).toHaveValue('FREQ=DAILY');
});

test('UI-06 UI-18 the calendar and its form are accessible and fit every width', async ({ page }) => {
  test.slow();
  await signUp(page);
  await addService(page, 'Database');
  await plan(page, 'Upgrade', '03-02T02:00', '03-02T03:00', 'Database', 'FREQ=WEEKLY;COUNT=2');
  await expectAccessible(page, 'the filled form');
  await send(page);
  for (const path of ['/maintenances', '/maintenances/new']) {
    await go(page, path);
    await expectAccessible(page, path);
    for (const width of [320, 390, 1440]) {
      await page.setViewportSize({ width, height: 844 });
      expect(await overflowing(page), `${path} at ${width}`).toEqual([]);
    }
  }
});
