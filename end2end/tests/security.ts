// The steps that the tests of one's own account share.

import { createHmac } from 'node:crypto';
import { expect, go, type Registration } from './fixtures';
import type { Page } from '@playwright/test';

/** The code an authenticator app shows for a key in Base32 (RFC 6238), so many steps of half a minute from now. */
export function totp(key: string, step = 0): string {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  const bits = [...key.replaceAll(' ', '')].map((letter) => letters.indexOf(letter).toString(2).padStart(5, '0'));
  const bytes = bits.join('').match(/.{8}/g)!.map((byte) => Number.parseInt(byte, 2));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + step));
  const mac = createHmac('sha1', Buffer.from(bytes)).update(counter).digest();
  const at = mac[19]! & 15;
  return String((mac.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}

/** Sets up two-factor authentication; tells the key and the recovery codes. */
export async function setUpSecondFactor(page: Page): Promise<{ key: string; codes: string[] }> {
  await go(page, '/account');
  await page.getByRole('button', { name: 'Set up two-factor authentication' }).click();
  await page.waitForURL('**/account/second-factor');
  await go(page, '/account/second-factor');
  await expect(page.getByRole('img', { name: 'QR code with the key' })).toBeVisible();
  const key = (await page.locator('code.key').textContent()) ?? '';
  // The step before: the codes that follow are for the logins.
  await page.getByLabel('Code', { exact: true }).fill(totp(key, -1));
  await page.getByRole('button', { name: 'Turn on' }).click();
  const list = page.getByRole('list', { name: 'Recovery codes' }).getByRole('listitem');
  await expect(list).toHaveCount(10);
  return { key, codes: await list.allTextContents() };
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
