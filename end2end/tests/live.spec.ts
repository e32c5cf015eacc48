// Live updates: a change on one screen appears on all others.

import {
  addService,
  alive,
  expect,
  go,
  register,
  row,
  signUp,
  SOON,
  statusOf,
  stranger,
  test,
  whenShown,
} from './fixtures';

test('UI-11 UI-12 a status set on the dashboard appears on every other screen', async ({ page }) => {
  const { slug } = await register(page);
  await page.getByRole('link', { name: 'Add your first service' }).click();
  await page.waitForURL('**/services');

  await page.getByLabel('Heading').fill('Core platform');
  await page.getByRole('button', { name: 'Add group' }).click();
  await expect(page.getByRole('heading', { name: 'Core platform' })).toBeVisible();
  for (const [name, group] of [
    ['Checkout', 'Core platform'],
    ['Search', 'No group'],
  ] as const) {
    await page.getByLabel('Name', { exact: true }).fill(name);
    await page.getByLabel('Description').fill(`What ${name} does`);
    await page.getByLabel('Group', { exact: true }).selectOption(group);
    await page.getByRole('button', { name: 'Add service' }).click();
    await expect(row(page, name)).toBeVisible();
    await expect(page.getByLabel('Name', { exact: true })).toHaveValue('');
  }

  const visitor = await stranger(page);
  const colleague = await page.context().newPage();
  await Promise.all([go(visitor, `/public/${slug}`), go(colleague, '/dashboard'), go(page, '/dashboard')]);
  for (const screen of [visitor, colleague, page]) await expect(screen.getByRole('banner')).toContainText('Live');
  const headline = visitor.getByRole('status');
  await expect(headline).toHaveText('All Systems Operational');
  // The live region must stay the same element: a new one is not announced.
  await headline.evaluate((region) => region.setAttribute('data-before', ''));
  for (const screen of [visitor, colleague]) await screen.evaluate(() => Object.assign(window, { before: true }));

  const change = async (status: string, sentence: string) => {
    const seen = await Promise.all([
      whenShown(visitor, 'main', sentence),
      whenShown(colleague, 'main', sentence),
      whenShown(page, 'main', sentence),
    ]);
    await page.evaluate(() =>
      document.addEventListener('change', () => Object.assign(window, { changed: Date.now() }), { capture: true }),
    );
    await statusOf(page, 'Checkout').selectOption(status);
    const moments = await Promise.all(seen.map((moment) => moment()));
    const start = await page.evaluate(() => (window as unknown as { changed: number }).changed);
    for (const moment of moments) expect(moment - start).toBeLessThan(SOON);
  };

  await change('Major Outage', 'Partial System Outage');
  await expect(headline).toHaveText('Partial System Outage');
  await expect(headline).toHaveAttribute('data-before');
  await expect(row(visitor, 'Checkout')).toContainText('Major Outage');
  await expect(row(visitor, 'Search')).toContainText('Operational');
  await expect(statusOf(colleague, 'Checkout')).toHaveValue('major_outage');
  await expect(colleague.locator('main [aria-live=polite]')).toHaveText('Partial System Outage');

  await change('Operational', 'All Systems Operational');
  await expect(headline).toHaveText('All Systems Operational');
  await expect(headline).toHaveAttribute('data-before');
  await expect(row(visitor, 'Checkout')).toContainText('Operational');
  await expect(statusOf(colleague, 'Checkout')).toHaveValue('operational');
  for (const screen of [visitor, colleague]) {
    expect(await screen.evaluate(() => 'before' in window), 'not reloaded').toBe(true);
  }
});

test('services and groups added, renamed, moved and deleted appear on open pages', async ({ page }) => {
  const { slug } = await signUp(page);
  const [api] = [await addService(page, 'API'), await addService(page, 'Web')];
  const visitor = await stranger(page);
  await go(visitor, `/public/${slug}`);
  await expect(visitor.getByText('Live', { exact: true })).toBeVisible();
  const names = visitor.locator('.service-name');
  await expect(names).toHaveText(['API', 'Web']);

  await go(page, '/services');
  await page.getByRole('button', { name: 'Move API down' }).click();
  await expect(names).toHaveText(['Web', 'API']);

  await go(page, `/services/${api.id}`);
  await page.getByLabel('Name', { exact: true }).fill('Gateway');
  await page.getByLabel('Description').fill('Every request');
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(names).toHaveText(['Web', 'Gateway']);
  await expect(row(visitor, 'Gateway')).toContainText('Every request');

  await page.getByText('Delete this service').click();
  await page.getByLabel('Type the service name to confirm').fill('Gateway');
  await page.getByRole('button', { name: 'Delete service' }).click();
  await expect(names).toHaveText(['Web']);
});

test('the open page of a service deleted by a colleague links to the others', async ({ page }) => {
  await signUp(page);
  const { id } = await addService(page, 'Short-lived');
  await go(page, `/services/${id}`);
  await expect(page.getByText('Live', { exact: true })).toBeVisible();
  const { origin } = new URL(page.url());
  expect((await page.request.delete(`/api/services/${id}`, { headers: { origin } })).ok()).toBe(true);
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Service not found');
  await page.getByRole('main').getByRole('link', { name: 'All services' }).click();
  await page.waitForURL('**/services');
});

test('an organization renamed in the settings is renamed on open pages', async ({ page }) => {
  const { slug } = await signUp(page);
  const visitor = await stranger(page);
  await go(visitor, `/public/${slug}`);
  await expect(visitor.getByText('Live', { exact: true })).toBeVisible();
  await go(page, '/settings');
  await page.getByLabel('Organization name').fill('Lamp & Sons <Ltd>');
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByText('Saved.')).toBeVisible();
  await expect(visitor.getByRole('banner')).toContainText('Lamp & Sons <Ltd>');
  await expect(page.getByRole('banner')).toContainText('Lamp & Sons <Ltd>');
  await alive(page);
});

test('feed frames begin with hello and have consecutive numbers', async ({ page }) => {
  const { slug, email } = await signUp(page);
  const service = await addService(page, 'API');
  await go(page, '/dashboard');

  const listen = (path: string) =>
    page.evaluate((path) => {
      const frames: Record<string, unknown>[] = [];
      const socket = new WebSocket(`ws://${location.host}${path}`);
      socket.onmessage = ({ data }) => frames.push(JSON.parse(data as string) as Record<string, unknown>);
      Object.assign(window, { [path]: frames });
    }, path);
  const framesOf = (path: string) =>
    page.evaluate((path) => (window as never as Record<string, Frame[]>)[path]!, path);
  type Frame = { type: string; seq: number; at?: string; data?: Record<string, unknown> };

  for (const path of [`/api/public/${slug}/live`, '/api/live']) {
    await listen(path);
    await expect.poll(async () => (await framesOf(path)).map(({ type }) => type)).toEqual(['hello']);
    const from = (await framesOf(path))[0]!.seq;
    await statusOf(page, 'API').selectOption('Degraded');
    await statusOf(page, 'API').selectOption('Operational');
    await expect.poll(async () => (await framesOf(path)).length).toBe(3);
    const frames = await framesOf(path);
    expect(frames.map(({ seq }) => seq)).toEqual([from, from + 1, from + 2]);
    for (const { type, at, data } of frames.slice(1)) {
      expect(type).toBe('service_updated');
      expect(at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);
      expect(data).toMatchObject({ id: service.id, name: 'API' });
    }
    expect(frames.map(({ data }) => data?.status)).toEqual([undefined, 'degraded', 'operational']);
    if (path.includes('public')) expect(JSON.stringify(frames)).not.toContain(email);

    // Resuming from an older number replays the events since.
    await listen(`${path}?since=${from}`);
    await expect.poll(async () => (await framesOf(`${path}?since=${from}`)).length).toBe(3);
    const replayed = await framesOf(`${path}?since=${from}`);
    expect(replayed[0]!.type).toBe('hello');
    expect(replayed.slice(1)).toEqual(frames.slice(1));
  }
});
