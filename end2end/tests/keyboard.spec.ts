// Everything without a mouse, and always visible where one is.

import { alive, expect, go, password, row, stranger, test, unique } from './fixtures';
import { isFocusVisible, tabTo } from './keys';

test('UI-21 from sign-up to a status by keyboard alone', async ({ page }) => {
  const slug = unique('keys');
  await go(page, '/');
  await tabTo(page, page.getByRole('link', { name: 'Create organization' }));
  await page.keyboard.press('Enter');
  await page.waitForURL('**/register');
  await expect(page.getByRole('heading', { level: 1 })).toBeFocused();

  await tabTo(page, page.getByLabel('Organization name'));
  await page.keyboard.type('Keys');
  await tabTo(page, page.getByLabel('Page address'));
  await page.keyboard.press('Control+a');
  await page.keyboard.type(slug);
  await tabTo(page, page.getByLabel('Your name'));
  await page.keyboard.type('Ada');
  await tabTo(page, page.getByLabel('Email'));
  await page.keyboard.type(`${slug}@example.test`);
  await tabTo(page, page.getByLabel('Password', { exact: true }));
  await page.keyboard.type(password());
  await page.keyboard.press('Enter');
  await page.waitForURL('**/dashboard');
  await alive(page);

  await tabTo(page, page.getByRole('link', { name: 'Add your first service' }));
  await page.keyboard.press('Enter');
  await page.waitForURL('**/services');
  await expect(page.getByRole('heading', { level: 1 })).toBeFocused();
  await tabTo(page, page.getByLabel('Name', { exact: true }));
  await page.keyboard.type('API');
  await tabTo(page, page.getByRole('button', { name: 'Add service' }));
  await page.keyboard.press('Enter');
  await expect(row(page, 'API')).toBeVisible();

  const visitor = await stranger(page);
  await go(visitor, `/public/${slug}`);
  await go(page, '/dashboard');
  await tabTo(page, page.getByRole('combobox', { name: 'Status of API' }));
  await page.keyboard.type('Major');
  await expect(row(visitor, 'API')).toContainText('Major Outage');
  await expect(page.getByRole('combobox', { name: 'Status of API' })).toBeFocused();

  await tabTo(page, page.getByRole('link', { name: 'API', exact: true }));
  await page.keyboard.press('Enter');
  await page.waitForURL('**/services/*');
  await expect(page.getByRole('heading', { level: 1 })).toBeFocused();
  await tabTo(page, page.locator('summary', { hasText: 'Delete this service' }));
  await page.keyboard.press('Enter');
  await tabTo(page, page.getByLabel('Type the service name to confirm'));
  await page.keyboard.type('API');
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/services$/);
  await expect(row(visitor, 'API')).toHaveCount(0);
});

test('UI-22 the skip link comes first and leads to the content', async ({ page }) => {
  await go(page, '/login');
  await page.keyboard.press('Tab');
  const skip = page.getByRole('link', { name: 'Skip to content' });
  await expect(skip).toBeFocused();
  const focus = await isFocusVisible(page);
  expect(focus).toEqual({ ...focus, hasRing: true, isInside: true, isOnTop: true });
  await page.keyboard.press('Enter');
  await page.keyboard.press('Tab');
  await expect(page.getByLabel('Email')).toBeFocused();
});

test('UI-55 every button and link has a name', async ({ page }) => {
  await go(page, '/register');
  for (const control of await page.locator('a, button, input:not([type=hidden])').all()) {
    await expect(control).toHaveAccessibleName(/\S/);
  }
});
