// Opening incidents and planning work by plain forms.

import type { Page } from '@playwright/test';
import { addService, expect, NEXT_YEAR as year, signUp, test } from './fixtures';

const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });
const field = (page: Page, name: string) => page.getByLabel(name, { exact: true });
const affected = (page: Page, service: string) =>
  page.getByRole('group', { name: 'Services affected' }).getByRole('combobox', { name: service, exact: true });
const inRoom = (page: Page) => page.waitForURL(/\/incidents\/[0-9a-f-]{36}$/);

test('UI-03 an incident is opened, and a rejected form keeps everything', async ({ page, expectConsole }) => {
  expectConsole(/status of 4\d\d/);
  const { slug } = await signUp(page);
  await addService(page, 'API');
  await page.goto('/dashboard');
  await page.getByRole('link', { name: 'New incident', exact: true }).click();
  await affected(page, 'API').selectOption('Partial Outage');
  await field(page, 'Message').fill('</textarea><b>We look into it.</b>');
  await button(page, 'Open incident').click();
  await expect(field(page, 'Title')).toHaveAttribute('aria-invalid', 'true');
  await expect(affected(page, 'API')).toHaveValue('partial_outage');
  await expect(field(page, 'Message')).toHaveValue('</textarea><b>We look into it.</b>');
  await expect(page.getByLabel(/subscribers/i)).toHaveCount(0);
  await field(page, 'Title').fill('Checkout fails');
  await button(page, 'Open incident').click();
  await inRoom(page);
  await page.goto(`/public/${slug}`);
  await expect(page.getByRole('heading', { name: 'Checkout fails' })).toBeVisible();
  await expect(page.getByRole('status').first()).toContainText('Partial System Outage');

  await page.goto('/incidents');
  await field(page, 'Search').fill('checkout');
  await button(page, 'Filter').click();
  await expect(page).toHaveURL(/search=checkout/);
  await expect(page.locator('.incident-row')).toContainText(['Checkout fails']);
});

test('a past incident is listed with its duration, marked as added later', async ({ page }) => {
  await signUp(page);
  await addService(page, 'Mail');
  await page.goto('/incidents/past');
  const day = new Date(Date.now() - 3 * 86_400_000).toISOString().slice(0, 10);
  await field(page, 'Title').fill('Mail was late');
  await field(page, 'Began').fill(`${day}T10:00`);
  await field(page, 'Ended').fill(`${day}T12:05`);
  await affected(page, 'Mail').selectOption('Major Outage');
  await page.getByLabel('Also correct uptime').check();
  await button(page, 'Add incident').click();
  await inRoom(page);
  await page.goto('/incidents');
  const row = page.locator('.incident-row');
  await expect(row).toContainText('Added later');
  await expect(row).toContainText('2 h 5 min');
});

test('a template is written, used and deleted', async ({ page }) => {
  await signUp(page);
  await page.goto('/incidents/templates');
  await field(page, 'Name').fill('Slow');
  await field(page, 'Title').fill('Slow since {{time}}');
  await button(page, 'Add template').click();
  await page.goto('/incidents/new');
  await field(page, 'Template').selectOption('Slow');
  await page.getByRole('button', { name: 'Use template' }).click();
  await expect(field(page, 'Title')).toHaveValue(/^Slow since \d\d:\d\d UTC$/);
  await page.goto('/incidents/templates');
  await page.locator('summary', { hasText: 'Slow' }).click();
  await button(page, 'Delete template').click();
  await expect(page.getByText('No templates yet.')).toBeVisible();
});

test('a recurring maintenance is scheduled, rejected with its input, and ended', async ({ page, expectConsole }) => {
  expectConsole(/status of 4\d\d/);
  await signUp(page);
  await addService(page, 'Database');
  await page.goto('/maintenances');
  await page.getByRole('link', { name: 'Schedule maintenance' }).click();
  await field(page, 'Title').fill('Backup');
  await field(page, 'Starts').fill(`${year}-03-02T02:00`);
  await field(page, 'Ends').fill(`${year}-03-02T01:00`);
  await field(page, 'Rule').fill('FREQ=WEEKLY;COUNT=3');
  await affected(page, 'Database').selectOption('Under Maintenance');
  await page.getByLabel('Remind 60 minutes before').uncheck();
  await button(page, 'Schedule maintenance').click();
  await expect(page.getByText('The end must be after the start.')).toBeVisible();
  await expect(field(page, 'Starts')).toHaveValue(`${year}-03-02T02:00`);
  await expect(field(page, 'Rule')).toHaveValue('FREQ=WEEKLY;COUNT=3');
  await expect(page.getByLabel('Remind 60 minutes before')).not.toBeChecked();
  await expect(page.getByLabel('Begin at the scheduled start')).toBeChecked();
  await field(page, 'Ends').fill(`${year}-03-02T03:00`);
  await button(page, 'Schedule maintenance').click();
  await inRoom(page);
  await page.goto('/maintenances');
  await expect(page.locator('.series-row')).toContainText('Every week, 3 times');
  await page.getByText('End series').click();
  await button(page, 'End this series').click();
  await expect(page.locator('.series-row')).toHaveCount(0);
});

test('the time zone is set', async ({ page }) => {
  await signUp(page);
  await page.goto('/settings');
  await field(page, 'Time zone').selectOption('Europe/Berlin');
  await button(page, 'Set time zone').click();
  await page.goto('/maintenances/new');
  await expect(page.getByText('Time zone: Europe/Berlin.').first()).toBeVisible();
});
