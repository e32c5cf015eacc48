// Nothing of one organization reaches another, and nothing that is typed becomes code.

import {
  addGroup,
  addService,
  expect,
  go,
  REFUSED,
  row,
  setStatus,
  signUp,
  statusOf,
  stranger,
  test,
} from './fixtures';

test('two organizations never see each other, on any page or live feed', async ({ page, expectConsole }) => {
  expectConsole(REFUSED);
  const ours = await signUp(page);
  const secret = await addService(page, 'Our Ledger');
  const group = await addGroup(page, 'Our Group');
  const neighbour = await stranger(page);
  const frames: string[] = [];
  neighbour.on('websocket', (socket) =>
    socket.on('framereceived', ({ payload }) => frames.push(payload.toString())),
  );
  const theirs = await signUp(neighbour);
  await addService(neighbour, 'Their API');
  const onlooker = await neighbour.context().newPage();
  onlooker.on('websocket', (socket) => socket.on('framereceived', ({ payload }) => frames.push(payload.toString())));
  await go(onlooker, `/public/${theirs.slug}`);
  await go(neighbour, '/dashboard');
  await go(page, '/dashboard');
  for (const screen of [page, neighbour, onlooker]) {
    await expect(screen.getByRole('banner')).toContainText('Live');
  }

  await statusOf(page, 'Our Ledger').selectOption('Major Outage');
  await expect(page.locator('main .headline')).toHaveText('Major System Outage');
  // What they hear next is their own: ours did not come before it.
  await statusOf(neighbour, 'Their API').selectOption('Degraded');
  await expect(row(onlooker, 'Their API')).toContainText('Degraded');
  await expect(neighbour.locator('main .headline')).toHaveText('Partially Degraded Service');
  await expect(page.locator('main .headline')).toHaveText('Major System Outage');
  expect(frames.length).toBeGreaterThan(2);
  expect(frames.join()).not.toContain('Our ');
  expect(frames.join()).not.toContain(secret.id);

  for (const path of ['/dashboard', '/services', '/settings', `/public/${theirs.slug}`]) {
    await go(neighbour, path);
    const html = await neighbour.content();
    for (const ofOurs of ['Our Ledger', 'Our Group', ours.organization, ours.email, secret.id, group.id]) {
      expect(html, path).not.toContain(ofOurs);
    }
  }

  // Our service's address leads them where any unknown one leads.
  for (const id of [secret.id, '0190a000-0000-7000-8000-000000000000', 'nonsense']) {
    const response = await go(neighbour, `/services/${id}`);
    expect(response!.status()).toBe(404);
    await expect(neighbour.getByRole('heading', { level: 1 })).toHaveText('Service not found');
  }
  const { origin } = new URL(neighbour.url());
  const forms: [string, Record<string, string>][] = [
    ['set_service_status', { id: secret.id, status: 'operational' }],
    ['edit_service', { id: secret.id, name: 'Taken' }],
    ['move_service', { id: secret.id, direction: 'up' }],
    ['delete_service', { id: secret.id, confirm: 'Our Ledger' }],
    ['add_service', { name: 'Smuggled', group_id: group.id }],
    ['rename_group', { id: group.id, name: 'Taken' }],
    ['move_group', { id: group.id, direction: 'up' }],
    ['delete_group', { id: group.id }],
  ];
  for (const [action, form] of forms) {
    const response = await neighbour.request.post(`/fn/aldis/app/server_fns/${action}`, {
      form,
      headers: { origin, accept: 'application/json' },
    });
    expect([400, 404], action).toContain(response.status());
    expect(await response.text(), action).not.toContain('Our ');
  }
  await page.reload();
  await expect(statusOf(page, 'Our Ledger')).toHaveValue('major_outage');
});

const PAYLOADS = [
  '</textarea><script>window.__xss=1</script>',
  '"><img src=x onerror=window.__xss=2>',
  "'><svg onload=window.__xss=3>",
  'javascript:window.__xss=4',
  '</title><script>window.__xss=5</script>',
  '<!--<script>window.__xss=6',
  '{{constructor.constructor("window.__xss=7")()}}',
];

test('what is typed as a name is shown as typed and never run', async ({ page }) => {
  const errors: string[] = [];
  page.on('dialog', (dialog) => errors.push(dialog.message()));
  const member = await signUp(page, { organization: PAYLOADS[4]! + PAYLOADS[1]!, name: PAYLOADS[0] });
  const ids: string[] = [];
  for (const payload of PAYLOADS) {
    const { id: group_id } = await addGroup(page, payload);
    const service = await addService(page, { name: payload, description: payload + payload, group_id });
    await setStatus(page, service, 'degraded');
    ids.push(service.id);
  }
  const services = ids.map((id) => `/services/${id}`);
  for (const path of ['/dashboard', '/services', '/settings', `/public/${member.slug}`, ...services]) {
    await go(page, path);
    expect(await page.evaluate(() => '__xss' in window), path).toBe(false);
    expect(await page.locator('main').locator('script, img, svg[onload]').count(), path).toBe(0);
  }
  await go(page, `/public/${member.slug}`);
  for (const payload of PAYLOADS) await expect(page.locator('.service-name', { hasText: payload })).toBeVisible();

  // Also where the client itself draws: live, in a message, and after a refusal.
  await expect(page.getByRole('banner')).toContainText('Live');
  const late = await addService(page, { name: `late ${PAYLOADS[1]}`, description: PAYLOADS[0] });
  await expect(row(page, 'late ')).toContainText(PAYLOADS[1]!);
  await go(page, `/services/${late.id}`);
  await expect(page.getByLabel('Description')).toHaveValue(PAYLOADS[0]!);
  await expect(page.getByLabel('Name', { exact: true })).toHaveValue(`late ${PAYLOADS[1]}`);
  expect(await page.evaluate(() => '__xss' in window)).toBe(false);
  expect(errors).toEqual([]);
});

test('what was typed into a refused form comes back as text', async ({ page, expectConsole }) => {
  expectConsole(REFUSED);
  await signUp(page);
  // Sent as a plain form, the page itself carries what was typed.
  await page.route('**/boot.js*', (route) => route.fulfill({ contentType: 'text/javascript', body: '' }));
  await page.goto('/services');
  await page.getByLabel('Description').fill(PAYLOADS[1]!);
  await page.getByRole('button', { name: 'Add service' }).click();
  await expect(page.locator('.form-error')).toBeVisible();
  await expect(page.getByLabel('Description')).toHaveValue(PAYLOADS[1]!);
  expect(await page.evaluate(() => '__xss' in window)).toBe(false);
});

test('UI-39 an unknown URL gets a 404 page with a link onward', async ({ page, expectConsole }) => {
  expectConsole(REFUSED);
  for (const path of ['/no/such/page', '/public/nobody-is-here', '/public/UPPER', '/public/a', '/pkg/none.js']) {
    const response = await go(page, path);
    expect(response!.status(), path).toBe(404);
    await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
    await page.getByRole('main').getByRole('link').first().click();
    await expect(page.getByRole('heading', { level: 1 })).toHaveText('Tell your users what works, live');
  }
  for (const path of ['/api/nothing', '/api/public/nobody-is-here/status']) {
    const response = await page.request.get(path);
    expect(response.status()).toBe(404);
    expect(await response.json()).toMatchObject({ error: expect.any(String), code: 'not_found' });
  }
});

test('the API documentation is served by Aldis', async ({ page }) => {
  const response = await go(page, '/api');
  expect(response!.status()).toBe(200);
  await expect(page.getByRole('heading', { level: 1 })).toContainText('API');
  const { paths } = (await (await page.request.get('/api/openapi.json')).json()) as { paths: object };
  const text = (await page.getByRole('main').textContent())!;
  for (const path of Object.keys(paths)) expect(text).toContain(path);
});
