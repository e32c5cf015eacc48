// Opening incidents, and finding them again.

import type { Page } from '@playwright/test';
import { content, expectAccessible, overflowing, RTL, WIDE } from './checks';
import { addService, expect, go, REFUSED, signUp, stranger, test } from './fixtures';

type Incident = { id: string; title: string; status: string };

async function ask<T>(page: Page, method: string, path: string, data?: object): Promise<T> {
  const origin = new URL(test.info().project.use.baseURL!).origin;
  const response = await page.request.fetch(path, { method, data, headers: { origin } });
  expect(response.ok(), `${method} ${path}: ${response.status()} ${await response.text()}`).toBe(true);
  return (await response.json()) as T;
}

const open = (page: Page, wish: object) => ask<Incident>(page, 'POST', '/api/incidents', wish);
const all = (page: Page) => ask<Incident[]>(page, 'GET', '/api/incidents');
const title = (page: Page) => page.getByLabel('Title', { exact: true });
const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });
const affected = (page: Page, service: string) =>
  page.getByRole('group', { name: 'Services affected' }).getByRole('combobox', { name: service, exact: true });
const under = (page: Page, heading: string) =>
  page
    .locator('main section')
    .filter({ has: page.getByRole('heading', { name: new RegExp(`^${heading}`) }) })
    .locator('.incident-row');
const inRoom = (page: Page) => page.waitForURL(/\/incidents\/[0-9a-f-]{36}$/);

test('UI-21 two interactions by keyboard open an incident from anywhere, and everybody sees it', async ({ page }) => {
  const { slug } = await signUp(page);
  const visitor = await stranger(page);
  await go(visitor, `/public/${slug}`);
  await go(page, '/settings');
  await page.keyboard.press('c');
  await page.waitForURL('**/incidents/new');
  await expect(title(page)).toBeFocused();
  await page.keyboard.type('Checkout fails');
  await page.keyboard.press('Enter');
  await inRoom(page);
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Checkout fails');
  await expect(visitor.getByRole('heading', { name: 'Checkout fails' })).toBeVisible();
  await go(page, '/dashboard');
  await expect(under(page, 'Open incidents')).toContainText('Checkout fails');
  await expect(page.getByRole('link', { name: 'Incidents, 1 open', exact: true }).first()).toBeVisible();
});

test('UI-28 a double click opens one incident', async ({ page }) => {
  await signUp(page);
  await go(page, '/incidents/new');
  await title(page).fill('Only once');
  await button(page, 'Open incident').dblclick();
  await inRoom(page);
  expect((await all(page)).map((incident) => incident.title)).toEqual(['Only once']);
});

test('the preview is shown beside the form before it is submitted', async ({ page }) => {
  await signUp(page);
  await addService(page, 'API');
  await addService(page, 'Shop');
  await go(page, '/incidents/new');
  const preview = page.locator('.consequences');
  await expect(preview).toContainText('All Systems Operational');
  await expect(preview).toContainText('We are currently investigating this issue.');
  await title(page).fill('Checkout fails');
  await affected(page, 'Shop').selectOption('Major Outage');
  await page.getByLabel('Message', { exact: true }).fill('We look into **payments**.');
  await expect(preview.locator('.headline')).toHaveText('Partial System Outage');
  await expect(preview.locator('.prose strong')).toHaveText('payments');
  await expect(preview).toContainText('Critical impact');
  await page.getByLabel('Impact', { exact: true }).selectOption('Minor');
  await expect(preview).toContainText('Minor impact');
  expect(await all(page)).toEqual([]);
  await page.getByLabel('Message', { exact: true }).press('Control+Enter');
  await inRoom(page);
  await expect(page.locator('.prose strong').first()).toHaveText('payments');
});

test('UI-26 a rejected form keeps what was chosen and moves the focus to the error', async ({
  page,
  expectConsole,
}) => {
  expectConsole(REFUSED);
  await signUp(page);
  await addService(page, 'API');
  await go(page, '/incidents/new');
  await affected(page, 'API').selectOption('Degraded');
  await button(page, 'Open incident').click();
  await expect(title(page)).toBeFocused();
  await expect(title(page)).toHaveAttribute('aria-invalid', 'true');
  await expect(affected(page, 'API')).toHaveValue('degraded');
});

test('a draft is the members’ own until it is published', async ({ page }) => {
  const { slug } = await signUp(page);
  await go(page, '/incidents/new');
  await title(page).fill('Not yet public');
  await page.getByLabel('Save as draft').check();
  await button(page, 'Open incident').click();
  await inRoom(page);
  await go(page, '/incidents');
  await expect(under(page, 'Drafts')).toContainText('Draft');
  expect(await (await page.request.get(`/public/${slug}`)).text()).not.toContain('Not yet public');
});

test('a template fills the form, its placeholders replaced', async ({ page }) => {
  await signUp(page, { organization: 'Lamp Works' });
  await addService(page, 'Database');
  await go(page, '/incidents/templates');
  await page.getByLabel('Name', { exact: true }).fill('Slow database');
  await title(page).fill('{{services}} slow at {{organization}}');
  await affected(page, 'Database').selectOption('Degraded');
  await button(page, 'Add template').click();
  await expect(page.locator('summary', { hasText: 'Slow database' })).toBeVisible();
  await expect(title(page).last(), 'ready for the next').toHaveValue('');

  await go(page, '/incidents/new');
  await page.getByLabel('Template', { exact: true }).selectOption('Slow database');
  await page.getByRole('button', { name: 'Use template' }).click();
  await page.waitForURL(/template=/);
  await expect(title(page)).toHaveValue('Database slow at Lamp Works');
  await expect(affected(page, 'Database')).toHaveValue('degraded');
});

test('UI-48 filters are kept in the URL, and the back button restores them', async ({ page }) => {
  await signUp(page);
  const api = await addService(page, 'API');
  await open(page, { title: 'The API is slow', services: [{ id: api.id, status: 'degraded' }] });
  const mail = await open(page, { title: 'Mail is late' });
  await ask(page, 'POST', `/api/incidents/${mail.id}/updates`, { status: 'resolved' });
  await go(page, '/incidents');
  await expect(under(page, 'Open')).toHaveCount(1);
  await expect(under(page, 'Past')).toContainText(['Mail is late']);

  await page.getByLabel('Status', { exact: true }).selectOption('Resolved');
  await button(page, 'Filter').click();
  await page.waitForURL(/status=resolved/);
  await expect(under(page, 'Results')).toHaveText([/Mail is late/]);
  await page.getByLabel('Status', { exact: true }).selectOption('Any');
  await page.getByLabel('Service', { exact: true }).selectOption('API');
  await button(page, 'Filter').click();
  await expect(under(page, 'Results')).toHaveText([/The API is slow/]);
  await page.goBack();
  await expect(under(page, 'Results')).toHaveText([/Mail is late/]);
  await expect(page.getByLabel('Status', { exact: true })).toHaveValue('resolved');
  await page.reload();
  await expect(under(page, 'Results')).toHaveText([/Mail is late/]);

  await go(page, '/incidents?search=nothing+like+it');
  await expect(page.getByText('No incidents match your filters.')).toBeVisible();
  await expect(page.getByLabel('Search', { exact: true })).toHaveValue('nothing like it');
});

test('the list is paginated and keeps its filters', async ({ page }) => {
  test.slow();
  await signUp(page);
  for (let n = 1; n <= 27; n += 1) await open(page, { title: `Trouble ${n}` });
  await go(page, '/incidents?status=investigating');
  await expect(under(page, 'Results')).toHaveCount(25);
  await page.getByRole('link', { name: 'Next page' }).click();
  await page.waitForURL(/status=investigating&before=/);
  await expect(under(page, 'Results')).toHaveText([/Trouble 2\D/, /Trouble 1\D/]);
  await page.getByRole('link', { name: 'First page' }).click();
  await expect(under(page, 'Results')).toHaveCount(25);
});

test('the list is live: opened incidents appear, resolved ones move, and the focus stays', async ({ page }) => {
  await signUp(page);
  await open(page, { title: 'The first' });
  await go(page, '/incidents');
  await expect(page.getByRole('banner').getByText('Live', { exact: true })).toBeVisible();
  const first = page.getByRole('link', { name: 'The first' });
  await first.focus();
  const second = await open(page, { title: 'The second' });
  await expect(under(page, 'Open')).toHaveText([/The second/, /The first/]);
  await expect(first).toBeFocused();
  await ask(page, 'POST', `/api/incidents/${second.id}/updates`, { status: 'resolved' });
  await expect(under(page, 'Past')).toHaveText([/Resolved.*The second/]);
  await expect(under(page, 'Open')).toHaveText([/The first/]);
  await expect(first).toBeFocused();
});

test('a service shows which incident determines its status, and its control sets the baseline', async ({ page }) => {
  await signUp(page);
  const api = await addService(page, 'API');
  await open(page, { title: 'The API is down', services: [{ id: api.id, status: 'major_outage' }] });
  await go(page, '/dashboard');
  const held = page.locator('.held-by');
  await expect(held).toContainText('Set by The API is down · own status: Operational');
  await page.getByRole('combobox', { name: 'Status of API' }).selectOption('Degraded');
  await expect(held).toContainText('own status: Degraded');
  await expect(page.getByRole('combobox', { name: 'Status of API' })).toHaveValue('major_outage');
});

/** Which keys the page acts on from now on; it does so at once, while they are pressed. */
async function keysActedOn(page: Page): Promise<() => Promise<string[]>> {
  await page.evaluate(() => {
    const keys: string[] = [];
    Object.assign(window, { keys });
    addEventListener('keydown', (event) => event.defaultPrevented && keys.push(event.key));
  });
  return () => page.evaluate(() => (window as unknown as { keys: string[] }).keys);
}

test('UI-33 shortcuts are off while typing, and can be disabled permanently', async ({ page }) => {
  await signUp(page);
  await go(page, '/incidents');
  let acted = await keysActedOn(page);
  await page.getByLabel('Search', { exact: true }).fill('');
  await page.keyboard.type('cg?');
  expect(await acted()).toEqual([]);
  await expect(page.getByLabel('Search', { exact: true })).toHaveValue('cg?');
  await page.getByRole('heading', { level: 1 }).click();
  for (const [key, path] of [['o', '/dashboard'], ['m', '/maintenances'], ['s', '/services'], ['i', '/incidents']]) {
    await page.keyboard.press('g');
    await page.keyboard.press(key!);
    await page.waitForURL(`**${path}`);
  }
  await page.keyboard.press('Control+c');
  await page.keyboard.press('?');
  expect(await acted()).toEqual(['g', 'o', 'g', 'm', 'g', 's', 'g', 'i', '?']);
  const sheet = page.getByRole('dialog', { name: 'Keyboard shortcuts' });
  await expect(sheet).toBeVisible();
  await expectAccessible(page, 'the sheet of shortcuts');
  await sheet.getByRole('switch', { name: 'Single-key shortcuts' }).uncheck();
  await page.keyboard.press('Escape');
  await expect(sheet).toBeHidden();
  acted = await keysActedOn(page);
  await page.keyboard.press('c');
  expect(await acted()).toEqual([]);
  await page.reload();
  await expect(page.locator('html.alive')).toBeAttached();
  acted = await keysActedOn(page);
  await page.keyboard.press('c');
  await page.keyboard.press('?');
  expect(await acted()).toEqual([]);
  await expect(sheet).toBeHidden();
  await expect(page).toHaveURL(/\/incidents$/);
  // Who switched them off finds them again by the button.
  await page.getByRole('button', { name: 'Keyboard shortcuts' }).filter({ visible: true }).click();
  await sheet.getByRole('switch').check();
  await sheet.getByRole('button', { name: 'Close' }).click();
  await page.keyboard.press('c');
  await page.waitForURL('**/incidents/new');
});

test('an admin chooses the time zone of the forms and the page', async ({ page }) => {
  await signUp(page);
  await go(page, '/settings');
  await page.getByLabel('Time zone', { exact: true }).selectOption('Asia/Tokyo');
  await button(page, 'Set time zone').click();
  await expect(page.getByText('Time zone saved.', { exact: true })).toBeVisible();
  await go(page, '/incidents/past');
  await expect(page.getByText('Time zone: Asia/Tokyo.').first()).toBeVisible();
});

test('UI-05 UI-06 UI-18 UI-47 every page is accessible, fits its text and hydrates unchanged', async ({
  page,
}) => {
  test.slow();
  await signUp(page);
  const api = await addService(page, WIDE);
  await open(page, { title: RTL, services: [{ id: api.id, status: 'degraded' }] });
  await open(page, { title: WIDE, is_draft: true });
  const plain = await stranger(page, {
    javaScriptEnabled: false,
    storageState: await page.context().storageState(),
  });
  for (const path of ['/incidents', '/incidents/new', '/incidents/past', '/incidents/templates', '/dashboard']) {
    await plain.goto(path);
    await go(page, path);
    if (path !== '/incidents/new') expect(await content(page), path).toBe(await content(plain));
    await expectAccessible(page, path);
    for (const width of [320, 390, 1440]) {
      await page.setViewportSize({ width, height: 844 });
      expect(await overflowing(page), `${path} at ${width}`).toEqual([]);
    }
  }
});
