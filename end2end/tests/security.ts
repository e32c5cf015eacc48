// The steps that the tests of one's own account share.

import type { Page } from '@playwright/test';
import { totp } from '../totp.mjs';
import { expect, go, keepSecret, type Registration } from './fixtures';

/** Sets up two-factor authentication; returns the key and the recovery codes. */
export async function setUpSecondFactor(page: Page): Promise<{ key: string; codes: string[] }> {
  await go(page, '/account');
  await page.getByRole('button', { name: 'Set up two-factor authentication' }).click();
  await page.waitForURL('**/account/second-factor');
  await go(page, '/account/second-factor');
  await expect(page.getByRole('img', { name: 'QR code with the key' })).toBeVisible();
  const key = (await page.locator('code.key').textContent()) ?? '';
  keepSecret(key, key.replaceAll(' ', ''));
  // The step before: the codes that follow are for the logins. It is over when the clock moves on in between.
  await expect(async () => {
    await page.getByLabel('Code', { exact: true }).fill(totp(key, -1));
    const [response] = await Promise.all([
      page.waitForResponse((response) => response.request().method() === 'POST'),
      page.getByRole('button', { name: 'Turn on' }).click(),
    ]);
    expect(response.status()).toBeLessThan(400);
  }).toPass();
  const list = page.getByRole('list', { name: 'Recovery codes' }).getByRole('listitem');
  await expect(list).toHaveCount(10);
  const codes = await list.allTextContents();
  keepSecret(...codes);
  return { key, codes };
}

/** Gives the password at the login, and arrives at the question for a code. */
export async function giveThePassword(page: Page, { email, password }: Registration): Promise<void> {
  await go(page, '/login?next=%2Fservices');
  await page.getByLabel('Email', { exact: true }).fill(email);
  await page.getByLabel('Password', { exact: true }).fill(password);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.waitForURL('**/login/code?next=%2Fservices');
  await go(page, '/login/code?next=%2Fservices');
}

/** Answers the question for a code. */
export async function giveTheCode(page: Page, code: string): Promise<void> {
  await page.getByLabel('Code', { exact: true }).fill(code);
  await page.getByRole('button', { name: 'Log in' }).click();
}
