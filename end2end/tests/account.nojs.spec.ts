// Signing up, in and out by plain forms.

import {
  addService,
  expect,
  fillRegistration,
  logIn,
  password as newPassword,
  register,
  signUp,
  stranger,
  test,
  unique,
  WRONG_PASSWORD,
} from './fixtures';

test('UI-03 register, log out, log in', async ({ page }) => {
  await page.goto('/');
  await page.getByRole('link', { name: 'Create organization' }).click();
  await page.waitForURL('**/register');
  const member = await register(page);
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Overview');
  await expect(page.getByRole('banner')).toContainText(member.organization);

  await page.getByRole('button', { name: 'Log out' }).first().click();
  await page.waitForURL((url) => url.pathname === '/');
  await page.goto('/dashboard');
  await expect(page).toHaveURL(/\/login\?next=%2Fdashboard$/);

  await logIn(page, member, '/login?next=%2Fservices');
  await expect(page).toHaveURL(/\/services$/);
  await page.goto('/logout');
  await page.getByRole('main').getByRole('button', { name: 'Log out' }).click();
  await page.waitForURL((url) => url.pathname === '/');
});

test('without a page address, one is derived from the name', async ({ page }) => {
  const slug = unique('proposed');
  await page.goto('/register');
  await fillRegistration(page, {
    organization: slug.replaceAll('-', ' '),
    slug: '',
    name: 'Ada',
    email: `${slug}@example.test`,
    password: newPassword(),
  });
  await page.getByRole('button', { name: 'Create organization' }).click();
  await page.waitForURL('**/dashboard');
  await page.goto(`/public/${slug}`);
  await expect(page.getByRole('banner')).toContainText(slug.replaceAll('-', ' '));
});

test('UI-26 UI-27 refused forms answer 4xx, say what to do and keep what was typed', async ({
  page,
  expectConsole,
}) => {
  expectConsole(/status of 4\d\d/);
  const taken = await signUp(await stranger(page));
  const send = async (button: string) => {
    const [response] = await Promise.all([
      page.waitForResponse((response) => response.request().method() === 'POST'),
      page.getByRole('button', { name: button }).click(),
    ]);
    return response.status();
  };
  const [organization, slug] = [page.getByLabel('Organization name'), page.getByLabel('Page address')];
  const [email, password] = [page.getByLabel('Email', { exact: true }), page.getByLabel('Password', { exact: true })];

  await page.goto('/register');
  expect(await send('Create organization')).toBe(400);
  await expect(page.getByRole('alert')).toContainText('Please correct the marked fields.');
  await expect(organization).toHaveAttribute('aria-invalid', 'true');
  await expect(organization).toHaveAccessibleDescription('This is required.');
  await expect(password).toHaveAccessibleDescription(/12 characters/);

  const wish = { ...taken, organization: 'Keep "me" & <mine>', email: `${unique('x')}@example.test` };
  await fillRegistration(page, { ...wish, slug: 'admin' });
  expect(await send('Create organization')).toBe(400);
  await expect(slug).toHaveAccessibleDescription(/This address is reserved/);
  await expect(organization).toHaveValue('Keep "me" & <mine>');
  await expect(email).toHaveValue(wish.email);
  await expect(password).toHaveValue('');

  await fillRegistration(page, wish);
  expect(await send('Create organization')).toBe(409);
  await expect(slug).toHaveAccessibleDescription(/This page address is taken/);

  await page.goto('/login?next=%2Fservices');
  await email.fill(taken.email);
  await password.fill(WRONG_PASSWORD);
  expect(await send('Log in')).toBe(401);
  await expect(page.locator('.form-error')).toBeVisible();
  await expect(email).toHaveValue(taken.email);
  await password.fill(taken.password);
  await send('Log in');
  await page.waitForURL('**/services');
});

test('UI-39 unknown URLs get a 404 page with a link onward', async ({ page, expectConsole }) => {
  expectConsole(/status of 404/);
  await signUp(page);
  for (const path of ['/no/such/page', '/public/nobody-is-here', '/services/0190a000-0000-7000-8000-000000000000']) {
    const response = await page.goto(path);
    expect(response!.status(), path).toBe(404);
    await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
    await expect(page.getByRole('main').getByRole('link').first()).toBeVisible();
  }
});

test('UI-01 UI-02 the public page is whole: headline, groups, services, statuses, times', async ({ page }) => {
  const { slug, organization } = await signUp(page);
  const words = {
    operational: 'Operational',
    degraded: 'Degraded',
    partial_outage: 'Partial Outage',
    major_outage: 'Major Outage',
    under_maintenance: 'Under Maintenance',
  };
  for (const status of Object.keys(words)) await addService(page, { name: `S ${status}`, status });
  const visitor = await stranger(page);
  const response = await visitor.goto(`/public/${slug}`);
  const html = await response!.text();
  await expect(visitor.getByRole('status')).toHaveText('Partial System Outage');
  await expect(visitor.getByRole('banner')).toContainText(organization);
  for (const [status, word] of Object.entries(words)) {
    await expect(visitor.getByRole('listitem').filter({ hasText: `S ${status}` })).toContainText(word);
    expect(html).toContain(`S ${status}`);
  }
  // Days need no zone, instants do.
  for (const time of await visitor.locator('time').all()) {
    await expect(time).toHaveAttribute('datetime', /^\d{4}-\d\d-\d\d(T.*Z)?$/);
    if ((await time.getAttribute('datetime'))!.endsWith('Z')) await expect(time).toContainText('UTC');
  }
  // The page has no control that needs a script.
  await expect(visitor.getByRole('button')).toHaveCount(0);
});
