// What admins find in the settings besides: API tokens and the audit log.

import type { Page } from '@playwright/test';
import { expectAccessible, overflowing, RTL, WIDE } from './checks';
import { addService, expect, go, keepSecret, setStatus, signUp, test } from './fixtures';

const tokens = (page: Page) => page.locator('#tokens');
const entries = (page: Page) => page.locator('.audit-entry');

async function createToken(page: Page, name: string, scope = 'Read'): Promise<string> {
  await page.getByLabel('Token name', { exact: true }).fill(name);
  await page.getByLabel('Access', { exact: true }).selectOption(scope);
  await page.getByRole('button', { name: 'Create token' }).click();
  const secret = page.getByLabel('Token secret', { exact: true });
  await expect(secret).toHaveValue(/^aldis_.{43}$/);
  await expect(tokens(page).getByRole('listitem').filter({ hasText: name })).toBeVisible();
  const value = await secret.inputValue();
  keepSecret(value);
  return value;
}

test('an API token is created, shown once, works, and is revoked', async ({ page, playwright, baseURL }) => {
  await signUp(page);
  await go(page, '/settings');
  await expect(tokens(page).getByText('No tokens yet.')).toBeVisible();
  const secret = await createToken(page, 'Pipeline', 'Read and write');
  const program = await playwright.request.newContext({
    baseURL,
    extraHTTPHeaders: { authorization: `Bearer ${secret}` },
  });
  const made = await program.post('/api/services', { data: { name: 'API' } });
  expect(made.status()).toBe(201);

  await go(page, '/settings');
  await expect(page.getByLabel('Token secret')).toHaveCount(0);
  await expect(page.locator('main')).not.toContainText(secret.slice(0, 30));
  const row = tokens(page).getByRole('listitem').filter({ hasText: 'Pipeline' });
  await expect(row).toContainText(/Read and write · last used just now · expires/);
  await row.getByRole('button', { name: 'Revoke Pipeline' }).click();
  await expect(tokens(page).getByText('No tokens yet.')).toBeVisible();
  expect((await program.get('/api/services')).status()).toBe(401);
  await program.dispose();
});

test('the audit log shows who did what, and its URL filters it', async ({ page }) => {
  await signUp(page, { name: 'Ada Lamp' });
  const service = await addService(page, 'Checkout');
  await setStatus(page, service, 'major_outage');
  await go(page, '/settings');
  await page.getByRole('link', { name: 'View audit log' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Audit log');
  await expect(entries(page).first()).toContainText('Service changed: Checkout');
  await expect(entries(page).first()).toContainText('status: operational → major_outage');
  await expect(entries(page).first()).toContainText('Ada Lamp');
  await page.getByLabel('Action', { exact: true }).selectOption('Service created');
  await page.getByRole('button', { name: 'Filter' }).click();
  await page.waitForURL(/action=service_created/);
  await expect(entries(page)).toHaveText([/Service created: Checkout/]);
  const download = page.waitForEvent('download');
  await page.getByRole('link', { name: 'Export as CSV' }).click();
  expect((await download).suggestedFilename()).toBe('audit-log.csv');
});

test('UI-06 UI-08 tokens and log pass axe and fit every width', async ({ page }) => {
  await signUp(page, { organization: RTL.slice(0, 60) });
  await addService(page, WIDE);
  await go(page, '/settings');
  await createToken(page, WIDE.slice(0, 60));
  await expectAccessible(page, 'settings');
  for (const path of ['/settings', '/settings/audit']) {
    for (const width of [320, 390, 768, 1440]) {
      await page.setViewportSize({ width, height: 900 });
      await go(page, path);
      expect(await overflowing(page), `${path} at ${width}`).toEqual([]);
    }
  }
  await expectAccessible(page, 'audit log');
});
