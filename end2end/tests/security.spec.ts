// One's own account: sessions, password, second factor.

import { totp } from '../totp.mjs';
import {
  alive,
  expect,
  go,
  logIn,
  password,
  REFUSED,
  register,
  signUp,
  SOON,
  stranger,
  test,
  WRONG_PASSWORD,
} from './fixtures';
import { giveTheCode, giveThePassword, setUpSecondFactor } from './security';

/** Within this time, a page whose session has ended leaves for the login. */
const AT_ONCE = { timeout: SOON, waitUntil: 'commit' } as const;

test('UI-38 a session that is revoked leaves its page for the login', async ({ page, expectConsole }) => {
  expectConsole(REFUSED);
  const member = await signUp(page);
  const other = await stranger(page);
  await logIn(other, member);
  await expect(other.locator('.live-mark[data-state="live"]')).toBeAttached();
  await go(page, '/account');
  const sessions = page.getByRole('list', { name: 'Sessions' }).getByRole('listitem');
  await expect(sessions).toHaveCount(2);
  await expect(sessions.first()).toContainText('Chrome on Linux · this session');
  await sessions.last().getByRole('button', { name: 'Revoke' }).click();
  await expect(sessions).toHaveCount(1);
  await other.waitForURL((url) => url.pathname === '/login' && url.searchParams.get('next') === '/dashboard', AT_ONCE);
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Your account');
});

test('a new password ends the other sessions, and this one goes on', async ({ page, expectConsole }) => {
  expectConsole(REFUSED);
  const member = await signUp(page);
  const other = await stranger(page);
  await logIn(other, member);
  await go(page, '/account');
  const fresh = password();
  const current = page.getByLabel('Current password', { exact: true });
  const next = page.getByLabel('New password', { exact: true });
  await current.fill(WRONG_PASSWORD);
  await next.fill(fresh);
  await page.getByRole('button', { name: 'Change password' }).click();
  await expect(current).toHaveAccessibleDescription(/This is not your password/);
  await current.fill(member.password);
  await Promise.all([
    page.waitForEvent('load'),
    page.getByRole('button', { name: 'Change password' }).click(),
  ]);
  await alive(page);
  await expect(page.getByRole('status').filter({ hasText: 'Password changed.' })).toBeVisible();
  await expect(page.getByRole('list', { name: 'Sessions' }).getByRole('listitem')).toHaveCount(1);
  await other.waitForURL((url) => url.pathname === '/login', AT_ONCE);
  await logIn(other, { ...member, password: fresh });
  await expect(other).toHaveURL(/\/dashboard$/);
});

test('a second factor is set up, asked for, and replaced by a recovery code', async ({ page, expectConsole }) => {
  expectConsole(REFUSED);
  const member = await signUp(page);
  const { key, codes } = await setUpSecondFactor(page);
  await go(page, '/account');
  await expect(page.getByText('10 recovery codes left.')).toBeVisible();
  await expect(page.getByText(codes[0]!)).toHaveCount(0);

  const phone = await stranger(page);
  await giveThePassword(phone, member);
  await giveTheCode(phone, '000000');
  await expect(phone.getByLabel('Code', { exact: true })).toHaveAccessibleDescription(/This code is wrong/);
  await giveTheCode(phone, totp(key));
  await phone.waitForURL('**/services');

  const borrowed = await stranger(page);
  await giveThePassword(borrowed, member);
  await giveTheCode(borrowed, codes[4]!.toUpperCase());
  await borrowed.waitForURL('**/services');
  await page.reload();
  await expect(page.getByText('9 recovery codes left.')).toBeVisible();
});

test('the forgotten password page explains what to do', async ({ page }) => {
  await register(page);
  await page.context().clearCookies();
  await go(page, '/login');
  await page.getByRole('link', { name: 'Forgot your password?' }).click();
  await page.waitForURL('**/forgot-password');
  await expect(page.getByText('aldis reset-password')).toBeVisible();
});
