// The team by plain forms.

import type { Page } from '@playwright/test';
import { invite } from './colleague';
import { expect, keepSecret, password, register, signUp, stranger, test, unique } from './fixtures';

const member = (page: Page, name: string) => page.getByRole('list', { name: 'Members' }).getByRole('listitem').filter({ hasText: name });

test('a team from the first invitation to the last departure, without JavaScript', async ({ page, expectConsole }) => {
  expectConsole(/status of 4\d\d/);
  const { organization } = await register(page);
  await page.goto('/team');
  const email = `${unique('grace')}@example.test`;
  await page.getByLabel('Email', { exact: true }).fill(email);
  await page.getByRole('button', { name: 'Invite member' }).click();
  const link = page.getByLabel('Invitation link');
  await expect(link).toHaveValue(/\/invite\/[\w-]{43}$/);
  await expect(page.getByText('No email was sent, so share this link yourself')).toBeVisible();

  const grace = await stranger(page, { javaScriptEnabled: false });
  const { pathname } = new URL(await link.inputValue());
  keepSecret(pathname.split('/').pop()!);
  await grace.goto(pathname);
  await grace.getByLabel('Your name').fill('Grace Hopper');
  await grace.getByLabel('Password', { exact: true }).fill(password().slice(0, 11));
  await grace.getByRole('button', { name: 'Create account and join' }).click();
  await expect(grace.getByText('Use at least 12 characters')).toBeVisible();
  await expect(grace.getByLabel('Your name')).toHaveValue('Grace Hopper');
  await grace.getByLabel('Password', { exact: true }).fill(password());
  await grace.getByRole('button', { name: 'Create account and join' }).click();
  await expect(grace).toHaveURL(/\/dashboard$/);

  await page.goto('/team');
  await expect(link).toHaveCount(0);
  const row = member(page, 'Grace Hopper');
  await row.locator('summary').click();
  await row.getByLabel('Role of Grace Hopper').selectOption('Admin');
  await row.getByRole('button', { name: 'Set role' }).click();
  await expect(row.locator('.row-role')).toHaveText('Admin');
  await grace.goto('/team');
  await expect(grace.getByRole('button', { name: 'Invite member' })).toBeVisible();

  const other = await stranger(page);
  const { organization: second } = await signUp(other);
  await grace.goto(await invite(other, email));
  await grace.getByRole('button', { name: 'Join' }).click();
  await expect(grace.locator('.sidebar > .brand')).toHaveText(second);
  await grace.locator('.wide-only summary', { hasText: 'Switch organization' }).click();
  await grace.getByRole('button', { name: `Switch to ${organization}` }).click();
  await expect(grace.locator('.sidebar > .brand')).toHaveText(organization);

  await row.locator('summary').click();
  await row.getByRole('button', { name: 'Remove from team' }).click();
  await expect(row).toHaveCount(0);
  await grace.goto('/team');
  await expect(grace).toHaveURL(/\/login\?next=/);
});

test('an invitation is revoked, and the last admin stays', async ({ page, expectConsole }) => {
  expectConsole(/status of 4\d\d/);
  await signUp(page);
  const email = `${unique('grace')}@example.test`;
  const link = await invite(page, email);
  await page.goto('/team');
  await page.getByRole('button', { name: `Revoke invitation for ${email}` }).click();
  await expect(page.getByText('No pending invitations.')).toBeVisible();
  expect((await page.goto(link))?.status()).toBe(404);
  await expect(page.getByText('This invitation has expired, been used or been revoked.')).toBeVisible();
  await page.goto('/team');
  await page.locator('summary', { hasText: 'Leave organization' }).click();
  await page.getByRole('button', { name: 'Leave now' }).click();
  await expect(page.getByText('This is the only admin of the organization.')).toBeVisible();
});
