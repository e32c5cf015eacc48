// A team: invited, given another role, going from one organization to another, and removed; seen at once on every page.

import type { Page } from '@playwright/test';
import { invite } from './colleague';
import {
  alive,
  expect,
  go,
  keepSecret,
  password,
  REFUSED,
  register,
  signUp,
  SOON,
  stranger,
  test,
  unique,
} from './fixtures';

const member = (page: Page, name: string) => page.getByRole('list', { name: 'Members' }).getByRole('listitem').filter({ hasText: name });

/** Opens what an admin can do about a member. */
async function change(page: Page, name: string) {
  const row = member(page, name);
  await row.locator('summary').click();
  return row;
}

test('a team from the first invitation to the last departure', async ({ page, expectConsole }) => {
  expectConsole(REFUSED);
  const { organization } = await register(page);
  await page.getByRole('link', { name: 'Team', exact: true }).click();
  await expect(member(page, 'Ada Lamp')).toContainText('Admin');

  // Invite.
  const email = `${unique('grace')}@example.test`;
  await page.getByLabel('Email', { exact: true }).fill(email);
  await page.getByLabel('Role', { exact: true }).selectOption('Member');
  await page.getByRole('button', { name: 'Invite member' }).click();
  const link = page.getByLabel('Invitation link');
  await expect(link).toHaveValue(/\/invite\/[\w-]{43}$/);
  await expect(page.getByText('No email was sent, so share this link yourself')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Copy' })).toBeVisible();
  await expect(page.getByRole('list', { name: 'Invitations' })).toContainText(email);

  // Accept, as somebody new.
  const grace = await stranger(page);
  const { pathname } = new URL(await link.inputValue());
  keepSecret(pathname.split('/').pop()!);
  await go(grace, pathname);
  await expect(grace.getByRole('main')).toContainText(`${organization} has invited ${email}`);
  await grace.getByLabel('Your name').fill('Grace Hopper');
  await grace.getByLabel('Password', { exact: true }).fill(password());
  await grace.getByRole('button', { name: 'Create account and join' }).click();
  await grace.waitForURL('**/dashboard');
  await alive(grace);
  await go(grace, '/team');
  await expect(member(grace, 'Grace Hopper')).toContainText('Member');
  await expect(grace.getByRole('button', { name: 'Invite member' })).toHaveCount(0);

  // Another role is seen at once.
  await go(page, '/team');
  const row = await change(page, 'Grace Hopper');
  await row.getByLabel('Role of Grace Hopper').selectOption('Admin');
  await row.getByRole('button', { name: 'Set role' }).click();
  await expect(row.locator('.row-role')).toHaveText('Admin');
  await expect(grace.getByRole('button', { name: 'Invite member' })).toBeVisible({ timeout: SOON });
  await alive(grace);

  // Another organization, by one button, and back.
  const other = await stranger(page);
  const { organization: second } = await signUp(other);
  await go(grace, await invite(other, email));
  await grace.getByRole('button', { name: 'Join' }).click();
  await grace.waitForURL('**/dashboard');
  await alive(grace);
  await expect(grace.locator('.sidebar > .brand')).toHaveText(second);
  await grace.locator('.wide-only summary', { hasText: 'Switch organization' }).click();
  await grace.getByRole('button', { name: `Switch to ${organization}` }).click();
  await expect(grace.locator('.sidebar > .brand')).toHaveText(organization);
  await alive(grace);

  // Removed: the open page leads to the login.
  await row.getByRole('button', { name: 'Remove from team' }).click();
  await expect(member(page, 'Grace Hopper')).toHaveCount(0);
  await grace.waitForURL('**/login?next=**', { timeout: SOON, waitUntil: 'commit' });
});

test('another organization is created, opened, and left for the first', async ({ page, expectConsole }) => {
  expectConsole(REFUSED);
  const { organization, slug } = await signUp(page);
  await go(page, '/account');
  await page.getByRole('link', { name: 'New organization' }).click();
  await page.waitForURL('**/account/new-organization');
  await alive(page);
  const second = unique('second');
  await page.getByLabel('Organization name').fill(second);
  await expect(page.getByLabel('Page address')).toHaveValue(second);
  await page.getByLabel('Page address').fill(slug);
  await page.getByRole('button', { name: 'Create organization' }).click();
  await expect(page.getByLabel('Page address')).toHaveAccessibleDescription(/This page address is taken/);
  await page.getByLabel('Page address').fill(second);
  await page.getByRole('button', { name: 'Create organization' }).click();
  await page.waitForURL('**/dashboard');
  await alive(page);
  await expect(page.locator('.sidebar > .brand')).toHaveText(second);
  await page.locator('.wide-only summary', { hasText: 'Switch organization' }).click();
  await page.getByRole('button', { name: `Switch to ${organization}` }).click();
  await expect(page.locator('.sidebar > .brand')).toHaveText(organization);
  await alive(page);
});

test('the last admin cannot leave', async ({ page, expectConsole }) => {
  expectConsole(REFUSED);
  await signUp(page);
  await go(page, '/team');
  await page.locator('summary', { hasText: 'Leave organization' }).click();
  await page.getByRole('button', { name: 'Leave now' }).click();
  await expect(page.getByText('This is the only admin of the organization.')).toBeVisible();
});

test('an invitation that cannot be used says so', async ({ page, expectConsole }) => {
  expectConsole(REFUSED);
  const response = await go(page, '/invite/nonsense');
  expect(response?.status()).toBe(404);
  await expect(page.getByText('This invitation has expired, been used or been revoked.')).toBeVisible();
});

test('an invitation opened while signed in with another email address', async ({ page }) => {
  await signUp(page);
  const link = await invite(page, `${unique('grace')}@example.test`);
  await go(page, link);
  await expect(page.getByText('Log out first, then open this link again.')).toBeVisible();
});

for (const width of [390, 1440]) {
  test(`nothing is cut off at ${width} pixels`, async ({ page }) => {
    await page.setViewportSize({ width, height: 900 });
    await signUp(page, { name: 'A person with quite a long name, as some have', organization: 'O'.repeat(90) });
    await invite(page, `${'long'.repeat(12)}@${unique('example')}.test`);
    for (const path of ['/team', await invite(page, `${unique('grace')}@example.test`)]) {
      await go(page, path);
      const wider = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      expect(wider, path).toBeLessThanOrEqual(0);
    }
  });
}
