// Managing services and groups by plain forms.

import type { Page } from '@playwright/test';
import { addGroup, addService, expect, namesOf, register, row, signUp, statusOf, stranger, test } from './fixtures';

const group = (page: Page, name: string) =>
  page.locator('section.group').filter({ has: page.getByRole('heading', { name, exact: true }) });

/** Presses a button and returns the status of the response to the form, before any redirect. */
async function send(page: Page, button: ReturnType<Page['getByRole']>): Promise<number> {
  const [response] = await Promise.all([
    page.waitForResponse((response) => response.request().method() === 'POST'),
    button.click(),
  ]);
  await page.waitForLoadState();
  return response.status();
}

test('UI-03 add a service, set its status, and the public page shows it after a reload', async ({ page }) => {
  const { slug } = await register(page);
  await page.getByRole('link', { name: 'Add your first service' }).click();
  await page.getByLabel('Name', { exact: true }).fill('API');
  await page.getByLabel('Description').fill('Every request & more');
  await page.getByRole('button', { name: 'Add service' }).click();
  await expect(page).toHaveURL(/\/services$/);
  await expect(row(page, 'API')).toContainText('Every request & more');

  const visitor = await stranger(page);
  await visitor.goto(`/public/${slug}`);
  await expect(visitor.getByRole('status')).toHaveText('All Systems Operational');
  await page.goto('/dashboard');
  await statusOf(page, 'API').selectOption('Major Outage');
  await row(page, 'API').getByRole('button', { name: 'Set' }).click();
  await expect(page).toHaveURL(/\/dashboard$/);
  await expect(statusOf(page, 'API')).toHaveValue('major_outage');
  await expect(page.getByText('Major System Outage')).toBeVisible();
  await visitor.reload();
  await expect(visitor.getByRole('status')).toHaveText('Major System Outage');
  await expect(row(visitor, 'API')).toContainText('Major Outage');

  // Setting it twice from two pages is no fault.
  await row(page, 'API').getByRole('button', { name: 'Set' }).click();
  await expect(statusOf(page, 'API')).toHaveValue('major_outage');
});

test('edit a service, and delete it by typing its name', async ({ page, expectConsole }) => {
  expectConsole(/status of 4\d\d/);
  await signUp(page);
  await addGroup(page, 'Core');
  const { id } = await addService(page, 'API');
  await page.goto(`/services/${id}`);
  await statusOf(page, 'API').selectOption('Degraded');
  await page.getByRole('button', { name: 'Set' }).click();
  await expect(page).toHaveURL(new RegExp(`/services/${id}$`));
  await expect(page.locator('main ol > li')).toContainText('by Ada Lamp');

  await page.getByLabel('Name', { exact: true }).fill('Gateway');
  await page.getByLabel('Description').fill('</textarea><b>bold</b>');
  await page.getByLabel('Group').selectOption('Core');
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Gateway');
  await expect(page.getByLabel('Description')).toHaveValue('</textarea><b>bold</b>');
  await expect(page.getByLabel('Group').locator(':checked')).toHaveText('Core');

  await page.getByLabel('Name', { exact: true }).fill('');
  await page.getByLabel('Description').fill('kept </textarea>');
  expect(await send(page, page.getByRole('button', { name: 'Save' }))).toBe(400);
  await expect(page.getByLabel('Name', { exact: true })).toHaveAccessibleDescription('This is required.');
  await expect(page.getByLabel('Name', { exact: true })).toHaveValue('');
  await expect(page.getByLabel('Description')).toHaveValue('kept </textarea>');

  await page.goto(`/services/${id}`);
  await page.getByText('Delete this service').click();
  const confirm = page.getByLabel('Type the service name to confirm');
  await confirm.fill('API');
  expect(await send(page, page.getByRole('button', { name: 'Delete service' }))).toBe(400);
  // Open again, so that the fault can be seen.
  await expect(confirm).toBeVisible();
  await expect(confirm).toHaveAccessibleDescription(/Type “Gateway” to confirm/);
  await expect(confirm).toHaveValue('API');
  await confirm.fill('Gateway');
  await page.getByRole('button', { name: 'Delete service' }).click();
  await page.waitForURL(/\/services$/);
  await expect(page.getByText('No services yet.')).toBeVisible();
});

test('UI-30 services and groups are put in order by buttons', async ({ page }) => {
  await signUp(page);
  for (const name of ['One', 'Two', 'Three']) await addService(page, name);
  for (const name of ['Core', 'Edge']) await addGroup(page, name);
  await page.goto('/services');
  await page.getByRole('button', { name: 'Move Three up' }).click();
  await expect.poll(() => namesOf(page)).toEqual(['One', 'Three', 'Two']);
  await page.getByRole('button', { name: 'Move One down' }).click();
  await expect.poll(() => namesOf(page)).toEqual(['Three', 'One', 'Two']);
  await expect(page).toHaveURL(/\/services$/);
  await page.getByRole('button', { name: 'Move Edge up' }).click();
  await expect(page.locator('.group-head h2')).toHaveText(['Edge', 'Core']);
});

test('groups are added, renamed and deleted', async ({ page, expectConsole }) => {
  expectConsole(/status of 4\d\d/);
  await signUp(page);
  await page.goto('/services');
  await page.getByLabel('Heading').last().fill('Core');
  await page.getByRole('button', { name: 'Add group' }).click();
  await expect(group(page, 'Core')).toBeVisible();
  await page.getByLabel('Name', { exact: true }).fill('API');
  await page.getByLabel('Group', { exact: true }).selectOption('Core');
  await page.getByRole('button', { name: 'Add service' }).click();
  await expect(group(page, 'Core').getByRole('listitem')).toContainText('API');

  await group(page, 'Core').getByText('Rename or delete').click();
  await group(page, 'Core').getByLabel('Heading').fill('Platform');
  await group(page, 'Core').getByRole('button', { name: 'Rename' }).click();
  await expect(group(page, 'Platform')).toBeVisible();

  // An error is shown at its form, even if the form was collapsed.
  await group(page, 'Platform').getByText('Rename or delete').click();
  await group(page, 'Platform').getByLabel('Heading').fill('x'.repeat(101));
  expect(await send(page, group(page, 'Platform').getByRole('button', { name: 'Rename' }))).toBe(400);
  await expect(group(page, 'Platform').getByText('Use at most 100 characters; this has 101.')).toBeVisible();
  await expect(group(page, 'Platform').getByLabel('Heading')).toHaveValue('x'.repeat(101));

  await page.goto('/services');
  await group(page, 'Platform').getByText('Rename or delete').click();
  await group(page, 'Platform').getByRole('button', { name: 'Delete group' }).click();
  await expect(group(page, 'Ungrouped').getByRole('listitem')).toContainText('API');
});

test('UI-26 a rejected service keeps what was typed, and resubmitting the page adds no second one', async ({
  page,
  expectConsole,
}) => {
  expectConsole(/status of 4\d\d/);
  await signUp(page);
  await addGroup(page, 'Core');
  await page.goto('/services');
  await page.getByLabel('Description').fill('kept "as" typed');
  await page.getByLabel('Group', { exact: true }).selectOption('Core');
  expect(await send(page, page.getByRole('button', { name: 'Add service' }))).toBe(400);
  await expect(page.getByLabel('Name', { exact: true })).toHaveAccessibleDescription('This is required.');
  await expect(page.getByLabel('Description')).toHaveValue('kept "as" typed');
  await expect(page.getByLabel('Group', { exact: true }).locator(':checked')).toHaveText('Core');
  await page.getByLabel('Name', { exact: true }).fill('API');
  expect(await send(page, page.getByRole('button', { name: 'Add service' }))).toBe(303);
  await page.reload();
  expect(await namesOf(page)).toEqual(['API']);
});

test('the organization is renamed', async ({ page, expectConsole }) => {
  expectConsole(/status of 4\d\d/);
  const { slug } = await signUp(page);
  await page.goto('/settings');
  await expect(page.getByLabel('Page address')).toHaveValue(new RegExp(`/public/${slug}$`));
  await page.getByLabel('Organization name').fill('');
  expect(await send(page, page.getByRole('button', { name: 'Save' }))).toBe(400);
  await expect(page.getByLabel('Organization name')).toHaveAccessibleDescription('This is required.');
  await page.getByLabel('Organization name').fill('Lamp & Sons');
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByRole('banner')).toContainText('Lamp & Sons');
  await page.goto(`/public/${slug}`);
  await expect(page.getByRole('banner')).toContainText('Lamp & Sons');
});

test('UI-38 a form sent after the session has ended leads to the login', async ({ page }) => {
  await signUp(page);
  await addService(page, 'API');
  await page.goto('/dashboard');
  await page.context().clearCookies();
  await statusOf(page, 'API').selectOption('Degraded');
  await page.getByRole('button', { name: 'Set' }).click();
  await page.waitForURL((url) => url.pathname === '/login');
});
