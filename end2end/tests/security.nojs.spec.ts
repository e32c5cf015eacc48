// One's own account by plain forms.

import { totp } from '../totp.mjs';
import { expect, logIn, password, REFUSED, signUp, stranger, test, WRONG_PASSWORD } from './fixtures';
import { giveTheCode, giveThePassword, setUpSecondFactor } from './security';

test('sessions are revoked and the password changed', async ({ page, expectConsole }) => {
  expectConsole(REFUSED);
  const member = await signUp(page);
  const other = await stranger(page, { javaScriptEnabled: false });
  await logIn(other, member);
  await page.goto('/account');
  const sessions = page.getByRole('list', { name: 'Sessions' }).getByRole('listitem');
  await expect(sessions).toHaveCount(2);
  await sessions.last().getByRole('button', { name: 'Revoke' }).click();
  await expect(sessions).toHaveCount(1);
  await other.goto('/dashboard');
  await expect(other).toHaveURL(/\/login/);

  const fresh = password();
  await page.getByLabel('Current password', { exact: true }).fill(WRONG_PASSWORD);
  await page.getByLabel('New password', { exact: true }).fill(fresh);
  await page.getByRole('button', { name: 'Change password' }).click();
  await expect(page.getByLabel('Current password', { exact: true })).toHaveAccessibleDescription(/not your password/);
  await page.getByLabel('Current password', { exact: true }).fill(member.password);
  await page.getByLabel('New password', { exact: true }).fill(fresh);
  await page.getByRole('button', { name: 'Change password' }).click();
  await page.waitForURL(/\/account\?saved=password$/);
  await expect(page.getByText('Password changed.')).toBeVisible();
  await logIn(other, { ...member, password: fresh });
});

test('a second factor is set up and asked for', async ({ page, expectConsole }) => {
  expectConsole(REFUSED);
  const member = await signUp(page);
  const { key, codes } = await setUpSecondFactor(page);
  for (const code of [totp(key), codes[0]!]) {
    const phone = await stranger(page, { javaScriptEnabled: false });
    await giveThePassword(phone, member);
    await giveTheCode(phone, code);
    await phone.waitForURL('**/services');
  }
});
