// The page the server sends and the page the client brings to life are one.

import { content } from './checks';
import { addGroup, addService, expect, go, holdClient, logIn, setStatus, signUp, statusOf, stranger, test } from './fixtures';

test('UI-05 the text before and after hydration is the same', async ({ page }) => {
  const member = await signUp(page);
  const { id: group_id } = await addGroup(page, 'Core & more');
  await addGroup(page, 'Empty');
  const api = await addService(page, { name: '<API> "x"', description: 'A\nB', group_id, status: 'degraded' });
  await setStatus(page, api, 'major_outage');
  await addService(page, 'Web');
  const plain = await stranger(page, { javaScriptEnabled: false });
  await plain.goto('/login');
  await plain.getByLabel('Email').fill(member.email);
  await plain.getByLabel('Password', { exact: true }).fill(member.password);
  await plain.getByRole('button', { name: 'Log in' }).click();
  await plain.waitForURL('**/dashboard');
  for (const path of [
    `/public/${member.slug}`,
    '/dashboard',
    '/services',
    `/services/${api.id}`,
    '/settings',
    '/logout',
  ]) {
    await plain.goto(path);
    await go(page, path);
    expect.soft(await content(page), path).toBe(await content(plain));
  }
});

for (const timezoneId of ['Asia/Tokyo', 'America/St_Johns']) {
  test.describe(timezoneId, () => {
    test.use({ timezoneId });

    test(`UI-14 UI-15 times come in UTC and become ${timezoneId} without a complaint`, async ({ page }) => {
      const member = await signUp(page);
      const api = await addService(page, 'API');
      await setStatus(page, api, 'major_outage');
      const plain = await stranger(page, { javaScriptEnabled: false });
      for (const path of [`/public/${member.slug}`, '/dashboard', '/services', `/services/${api.id}`]) {
        await go(page, path);
        // A day is no moment: it has no time to tell, and is the same for everybody.
        for (const time of await page.locator('time:not(.day > * > time)').all()) {
          const iso = (await time.getAttribute('datetime'))!;
          expect(iso).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);
          await expect(time).toHaveAttribute('title', /UTC/);
          await expect(time).toHaveAttribute('title', timezoneId === 'Asia/Tokyo' ? /GMT\+9/ : /GMT-3:30|NST/);
          await expect(time).toContainText(/just now|min ago/);
        }
      }
      await plain.goto(`/public/${member.slug}`);
      await expect(plain.locator('time').first()).toContainText('UTC');
      await expect(plain.getByText('Times in UTC')).toBeVisible();
      await go(page, `/public/${member.slug}`);
      const zone = page.getByRole('combobox', { name: 'Times in' });
      await expect(zone.locator('option:checked')).toHaveText(`your zone, ${timezoneId}`);
      await zone.selectOption('UTC');
      await expect(page.locator('.banner time')).toContainText('UTC');
    });
  });
}

test('UI-45 without its WASM the public page is readable and the forms work', async ({ page, expectConsole }) => {
  expectConsole(/net::ERR_FAILED/, /Failed to fetch/);
  const member = await signUp(page);
  await addService(page, { name: 'API', status: 'degraded' });
  const context = page.context();
  await context.route('**/*.wasm', (route) => route.abort());
  await page.goto(`/public/${member.slug}`);
  await expect(page.getByRole('status')).toHaveText('Partially Degraded Service');
  await expect(page.getByRole('main').getByRole('listitem')).toContainText('API');

  await page.goto('/dashboard');
  await statusOf(page, 'API').selectOption('Major Outage');
  await page.getByRole('button', { name: 'Set' }).click();
  await expect(page.getByText('Major System Outage')).toBeVisible();
  await expect(statusOf(page, 'API')).toHaveValue('major_outage');

  await page.goto('/services');
  await page.getByLabel('Name', { exact: true }).fill('Web');
  await page.getByRole('button', { name: 'Add service' }).click();
  await expect(page.getByRole('main').getByRole('listitem')).toHaveCount(2);
});

test('UI-46 a status chosen before the client runs is set', async ({ page }) => {
  await signUp(page);
  const api = await addService(page, 'API');
  const release = await holdClient(page);
  await page.goto('/dashboard');
  await statusOf(page, 'API').selectOption('Major Outage');
  release();
  await expect(page.locator('main .headline')).toHaveText('Major System Outage');
  const stored = async () => ((await (await page.request.get(`/api/services/${api.id}`)).json()) as typeof api).status;
  await expect.poll(stored).toBe('major_outage');
});

test('UI-16 UI-17 the page follows the system theme and its preference for reduced motion', async ({ page }) => {
  const { slug } = await signUp(page);
  const surface = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await page.emulateMedia({ colorScheme: 'light' });
  await go(page, `/public/${slug}`);
  const light = await surface();
  await page.emulateMedia({ colorScheme: 'dark', reducedMotion: 'reduce' });
  expect(await surface()).not.toBe(light);
  const moving = await page.evaluate(() => document.getAnimations().length);
  expect(moving).toBe(0);
});

test('many readers at once all get their page', async ({ page }) => {
  const { slug } = await signUp(page);
  const { id } = await addService(page, 'API');
  for (const path of [`/services/${id}`, '/dashboard', `/public/${slug}`]) {
    const reads = Array.from({ length: 60 }, async () => (await page.request.get(path)).status());
    const failed = (await Promise.all(reads)).filter((status) => status !== 200);
    expect.soft(failed, path).toEqual([]);
  }
});

test('after a login the page frame is hydrated', async ({ page }) => {
  const member = await signUp(await stranger(page));
  await logIn(page, member);
  await expect(page.getByRole('banner')).toContainText('Live');
  await expect(page.getByRole('banner')).toContainText(member.organization);
});
