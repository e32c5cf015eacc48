// Signing up, in and out.

import {
  addService,
  expect,
  fillRegistration,
  go,
  logIn,
  password as newPassword,
  REFUSED,
  register,
  signUp,
  stranger,
  test,
  unique,
  WRONG_PASSWORD,
} from './fixtures';

test('the page address is proposed while the name is typed, until somebody edits it', async ({ page }) => {
  await go(page, '/register');
  const [name, slug] = [page.getByLabel('Organization name'), page.getByLabel('Page address')];
  await name.pressSequentially('Café Zürich & Co.');
  await expect(slug).toHaveValue('cafe-zuerich-co');
  await expect(page.getByText('/public/cafe-zuerich-co')).toBeVisible();
  await name.pressSequentially(' KG');
  await expect(slug).toHaveValue('cafe-zuerich-co-kg');
  await slug.fill('zurich');
  await expect(page.getByText('/public/zurich', { exact: true })).toBeVisible();
  await name.pressSequentially(' 2');
  await expect(slug).toHaveValue('zurich');
});

test('UI-26 UI-27 a refused registration says what to do at each field and keeps what was typed', async ({
  page,
  expectConsole,
}) => {
  expectConsole(REFUSED);
  const taken = await signUp(await stranger(page));
  await go(page, '/register');
  await page.getByRole('button', { name: 'Create organization' }).click();
  await expect(page.getByRole('alert')).toContainText('Please correct the marked fields.');
  for (const label of ['Organization name', 'Your name', 'Email', 'Password']) {
    const field = page.getByLabel(label, { exact: true });
    await expect(field).toHaveAttribute('aria-invalid', 'true');
    await expect(field).toHaveAccessibleDescription(/required|Enter an email address|12 characters/);
  }
  await expect(page.getByLabel('Organization name')).toBeFocused();

  const fresh = { organization: 'Keep Me', slug: 'admin', name: 'Ada', email: `${unique('x')}@example.test` };
  const attempt = async (slug: string, email: string) => {
    await fillRegistration(page, { ...fresh, slug, email, password: taken.password });
    await page.getByRole('button', { name: 'Create organization' }).click();
  };
  const [slug, email] = [page.getByLabel('Page address'), page.getByLabel('Email', { exact: true })];

  await attempt('admin', fresh.email);
  await expect(slug).toHaveAccessibleDescription(/This address is reserved. Choose another./);
  await expect(slug).toBeFocused();
  await expect(page.getByLabel('Organization name')).toHaveValue('Keep Me');
  await expect(slug).toHaveValue('admin');
  await expect(email).toHaveValue(fresh.email);

  await attempt(taken.slug, fresh.email);
  await expect(slug).toHaveAccessibleDescription(/This page address is taken. Choose another./);

  await attempt(unique('free'), taken.email);
  await expect(email).toHaveAccessibleDescription(/An account with this email address already exists/);
  await expect(email).toBeFocused();
  await expect(slug).not.toHaveAttribute('aria-invalid');

  await attempt(unique('free'), fresh.email);
  await page.waitForURL('**/dashboard');
});

test('UI-29 a password can be shown, and fields are named for managers', async ({ page }) => {
  await go(page, '/register');
  const password = page.getByLabel('Password', { exact: true });
  await expect(password).toHaveAttribute('autocomplete', 'new-password');
  const seen = newPassword();
  await password.fill(seen);
  const show = page.getByRole('button', { name: /^Show/ });
  await show.click();
  await expect(password).toHaveAttribute('type', 'text');
  await expect(show).toHaveAttribute('aria-pressed', 'true');
  await expect(password).toHaveValue(seen);
  await show.click();
  await expect(password).toHaveAttribute('type', 'password');
  await go(page, '/login');
  await expect(page.getByLabel('Email')).toHaveAttribute('autocomplete', 'username');
  await expect(page.getByLabel('Password', { exact: true })).toHaveAttribute('autocomplete', 'current-password');
});

test('a wrong password and an unknown address get the same answer, and the right password logs in', async ({
  page,
  expectConsole,
}) => {
  expectConsole(REFUSED);
  const member = await signUp(await stranger(page));
  // A page for members redirects to the login, and from there back.
  await go(page, '/services');
  await expect(page).toHaveURL(/\/login\?next=%2Fservices$/);
  const answers: string[] = [];
  for (const email of [member.email, `${unique('nobody')}@example.test`]) {
    await page.getByLabel('Email').fill(email);
    await page.getByLabel('Password', { exact: true }).fill(WRONG_PASSWORD);
    // Wait for the response: the page still shows the message of the previous one.
    const [response] = await Promise.all([
      page.waitForResponse((response) => response.request().method() === 'POST'),
      page.getByRole('button', { name: 'Log in' }).click(),
    ]);
    expect(response.status()).toBe(401);
    answers.push(await response.text());
    const { error } = (await response.json()) as { error: string };
    await expect(page.locator('.form-error')).toHaveText(error);
    await expect(page.getByLabel('Email')).toHaveValue(email);
  }
  expect(answers[0]).toBe(answers[1]);
  await page.getByLabel('Email').fill(member.email.toUpperCase());
  await page.getByLabel('Password', { exact: true }).fill(member.password);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.waitForURL('**/services');
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Services');
  // Signed-in people are redirected away from the sign-in pages.
  for (const path of ['/', '/login', '/register']) {
    await go(page, path);
    await expect(page).toHaveURL(/\/dashboard$/);
  }
});

test('the login never leads to another site', async ({ page, baseURL }) => {
  const member = await signUp(await stranger(page));
  for (const next of ['https://evil.test/', '/\\evil.test', 'javascript:alert(1)', '//evil.test/']) {
    const response = await page.request.post('/fn/aldis/app/server_fns/account/login', {
      form: { email: member.email, password: member.password, next },
      headers: { origin: baseURL!, accept: 'text/html' },
      maxRedirects: 0,
    });
    expect(response.headers().location, next).toBe('/dashboard');
  }
  await page.context().clearCookies();
  await logIn(page, member, `/login?next=${encodeURIComponent('//evil.test/')}`);
  await expect(page).toHaveURL(`${baseURL}/dashboard`);
});

test('a logout ends the session in every tab and behind the back button', async ({ page, expectConsole }) => {
  expectConsole(REFUSED);
  await register(page);
  await addService(page, 'Secret Service');
  const other = await page.context().newPage();
  await go(other, '/dashboard');
  await go(page, '/dashboard');
  await expect(page.getByText('Secret Service')).toBeVisible();
  await page.getByRole('button', { name: 'Log out' }).first().click();
  await page.waitForURL((url) => url.pathname === '/');

  await page.goBack();
  await expect(page).toHaveURL(/\/login\?next=%2Fdashboard$/);
  await expect(page.getByText('Secret Service')).toHaveCount(0);
  await go(page, '/services');
  await expect(page).toHaveURL(/\/login/);

  // The other tab hears of it on its line and leaves by itself.
  await other.waitForURL((url) => url.pathname === '/login' && url.searchParams.get('next') === '/dashboard');
});

test('the address /logout asks first', async ({ page }) => {
  await signUp(page);
  await go(page, '/logout');
  await page.getByRole('link', { name: 'Stay' }).click();
  await page.waitForURL('**/dashboard');
  await go(page, '/logout');
  await page.getByRole('button', { name: 'Log out' }).click();
  await page.waitForURL((url) => url.pathname === '/');
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
});

test('a form submitted before the client runs and rejected hydrates with what was typed', async ({
  page,
  expectConsole,
}) => {
  expectConsole(REFUSED);
  let release = () => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  await page.route('**/*.wasm', async (route) => {
    await held;
    await route.continue().catch(() => {});
  });
  await page.goto('/login?next=%2Fservices');
  await page.getByLabel('Email').fill('ada@example.test');
  await page.getByLabel('Password', { exact: true }).fill(WRONG_PASSWORD);
  await page.getByRole('button', { name: 'Log in' }).click();
  await expect(page.locator('.form-error')).toBeVisible();
  release();
  await expect(page.locator('html.alive')).toBeAttached({ timeout: 20_000 });
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Log in');
  await expect(page.locator('.form-error')).toBeVisible();
  await expect(page.getByLabel('Email')).toHaveValue('ada@example.test');
  await expect(page).toHaveURL(/\/login\?next=%2Fservices$/);
  await page.reload();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Log in');
});
