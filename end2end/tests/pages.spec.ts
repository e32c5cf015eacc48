// All pages: no horizontal scrolling, no axe violation, light and dark.

import type { Page } from '@playwright/test';
import { EMOJI, expectAccessible, overflowing, RTL, WIDE } from './checks';
import { addGroup, addService, alive, expect, go, REFUSED, row, setStatus, signUp, test, unique } from './fixtures';

/** Creates an organization with long names everywhere; returns the paths of its pages. */
async function longNames(page: Page): Promise<string[]> {
  const { slug } = await signUp(page, { organization: WIDE, name: WIDE, slug: unique('o').padEnd(48, 'w') });
  const { id: group_id } = await addGroup(page, WIDE);
  await addGroup(page, RTL);
  const service = await addService(page, { name: WIDE, description: WIDE + WIDE, group_id });
  await setStatus(page, service, 'under_maintenance');
  await addService(page, { name: RTL, description: RTL, status: 'partial_outage' });
  await addService(page, { name: EMOJI, description: EMOJI, group_id, status: 'major_outage' });
  const own = ['/dashboard', '/services', `/services/${service.id}`, '/settings', '/logout', `/public/${slug}`];
  return [...own, '/public/nobody-is-here', '/no/such/page', '/api'];
}

for (const colorScheme of ['light', 'dark'] as const) {
  test(`UI-18 UI-47 long, right-to-left and emoji names fit at every width, ${colorScheme}`, async ({
    page,
    expectConsole,
  }) => {
    expectConsole(REFUSED);
    await page.emulateMedia({ colorScheme });
    for (const path of [...(await longNames(page)), '/', '/register', '/login']) {
      if (path === '/') await page.context().clearCookies();
      await go(page, path);
      for (const width of [320, 390, 1440]) {
        await page.setViewportSize({ width, height: 800 });
        expect.soft(await overflowing(page), `${path} at ${width}`).toEqual([]);
      }
    }
  });
}

test('UI-47 two hundred services in fifty groups are shown and usable', async ({ page }) => {
  const { slug } = await signUp(page);
  for (let n = 0; n < 50; n += 1) {
    const { id: group_id } = await addGroup(page, `Group ${n}`);
    await Promise.all([0, 1, 2, 3].map((m) => addService(page, { name: `Service ${n}.${m}`, group_id })));
  }
  await go(page, `/public/${slug}`);
  await expect(page.locator('.service')).toHaveCount(200);
  await go(page, '/services');
  await expect(row(page, 'Service 49.3')).toBeVisible();
});

// --- UI-06 ----------------------------------------------------------------------------------------------------------

test('UI-06 UI-22 pages without a session pass axe', async ({ page, expectConsole }) => {
  expectConsole(REFUSED);
  for (const path of ['/', '/register', '/login', '/no/such/page', '/public/nobody-is-here', '/api']) {
    await go(page, path);
    await expectAccessible(page, path);
    await expect(page.getByRole('main')).toHaveCount(1);
    await expect(page.getByRole('heading', { level: 1 })).toHaveCount(1);
    await expect(page.locator('html')).toHaveAttribute('lang', 'en');
  }
});

test('UI-06 refused forms without a session pass axe', async ({ page, expectConsole }) => {
  expectConsole(REFUSED);
  for (const [path, button] of [
    ['/register', 'Create organization'],
    ['/login', 'Log in'],
  ] as const) {
    await go(page, path);
    await page.getByRole('button', { name: button }).click();
    await expect(page.locator('.form-error')).toBeVisible();
    await expectAccessible(page, `${path} refused`);
  }
});

test('UI-06 an empty organization passes axe', async ({ page }) => {
  const { slug } = await signUp(page);
  for (const path of ['/dashboard', '/services', '/settings', '/logout', `/public/${slug}`]) {
    await go(page, path);
    await expectAccessible(page, `${path}, empty`);
  }
});

test('UI-06 UI-22 a busy organization passes axe in every status', async ({ page }) => {
  const { slug } = await signUp(page);
  const { id: group_id } = await addGroup(page, 'Core platform');
  const statuses = ['operational', 'degraded', 'partial_outage', 'major_outage', 'under_maintenance'];
  for (const status of statuses) await addService(page, { name: `Service ${status}`, description: 'Words', status });
  const { id } = await addService(page, { name: 'Grouped', group_id });
  await setStatus(page, { id }, 'degraded');
  for (const path of ['/dashboard', '/services', `/services/${id}`, '/settings', `/public/${slug}`]) {
    await go(page, path);
    for (const fold of await page.locator('main details > summary').all()) await fold.click();
    await expectAccessible(page, path);
    await expect(page.getByRole('main')).toHaveCount(1);
    await expect(page.getByRole('heading', { level: 1 })).toHaveCount(1);
  }
  await page.setViewportSize({ width: 390, height: 844 });
  await go(page, '/dashboard');
  await page.getByText('Menu', { exact: true }).click();
  await expectAccessible(page, 'the menu on a phone');
  // UI-20: it closes when a link is followed.
  await page.getByRole('navigation').filter({ visible: true }).getByRole('link', { name: 'Services' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Services');
  await expect(page.getByRole('navigation').filter({ visible: true })).toHaveCount(0);
});

test('UI-06 UI-07 the banner passes axe in every status', async ({ page }) => {
  const { slug } = await signUp(page);
  const api = await addService(page, 'API');
  await go(page, `/public/${slug}`);
  await expect(page.getByRole('banner')).toContainText('Live');
  for (const status of ['degraded', 'partial_outage', 'major_outage', 'under_maintenance', 'operational']) {
    await setStatus(page, api, status);
    await expect(page.locator('.banner')).toHaveAttribute('data-status', status);
    await expectAccessible(page, status);
  }
});

test('UI-06 refused forms of a member pass axe', async ({ page, expectConsole }) => {
  expectConsole(REFUSED, /status of 500/);
  await signUp(page);
  const { id } = await addService(page, 'API');
  await go(page, '/services');
  await page.getByRole('button', { name: 'Add service' }).click();
  await page.getByRole('button', { name: 'Add group' }).click();
  await expect(page.locator('.form-error')).toHaveCount(2);
  await expectAccessible(page, '/services refused');
  await go(page, `/services/${id}`);
  await page.getByText('Delete this service').click();
  await page.getByRole('button', { name: 'Delete service' }).click();
  // Wait for the refusal, which moves the focus.
  await expect(page.locator('.form-error')).toHaveCount(1);
  await page.getByLabel('Name', { exact: true }).fill('');
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.locator('.form-error')).toHaveCount(2);
  await page.route('**/set_service_status', (route) => route.fulfill({ status: 500 }));
  await page.getByRole('combobox', { name: 'Status of' }).selectOption('Degraded');
  await expect(page.locator('.notice')).toBeVisible();
  await expectAccessible(page, '/services/{id} refused');
  await go(page, '/services/0190a000-0000-7000-8000-000000000000');
  await expectAccessible(page, 'no such service');
  await alive(page);
});
