// The room of an incident or a maintenance by plain forms.

import type { Page } from '@playwright/test';
import { colleague } from './colleague';
import { addService, expect, NEXT_YEAR as year, REFUSED, signUp, stranger, test } from './fixtures';

async function open(page: Page, wish: object): Promise<string> {
  const origin = new URL(test.info().project.use.baseURL!).origin;
  const data = { title: 'Checkout fails', message: 'We look into it.', ...wish };
  const response = await page.request.post('/api/incidents', { data, headers: { origin } });
  expect(response.status(), await response.text()).toBe(201);
  return ((await response.json()) as { id: string }).id;
}

const step = (page: Page, name: string) =>
  page.getByRole('radiogroup', { name: 'Status' }).getByRole('radio', { name, exact: true });
const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });
const message = (page: Page) => page.getByLabel('Message', { exact: true }).first();
const updates = (page: Page) => page.locator('.room-rest .timeline > .update');
const state = (page: Page) => page.locator('.room-state');

test('UI-03 an incident is updated, corrected, resolved and reviewed', async ({ page }) => {
  const { slug } = await signUp(page);
  const checkout = await addService(page, 'Checkout');
  await addService(page, 'Search');
  const id = await open(page, { services: [{ id: checkout.id, status: 'partial_outage' }] });
  await page.goto(`/incidents/${id}`);
  await step(page, 'Identified').check();
  await message(page).fill('A **faulty** deploy.');
  await page.getByText('Add services').click();
  await page.getByRole('combobox', { name: 'Search', exact: true }).selectOption('Major Outage');
  await button(page, 'Post update').click();
  await expect(page).toHaveURL(new RegExp(`/incidents/${id}$`));
  await expect(state(page)).toContainText('Identified');
  await expect(updates(page)).toHaveCount(2);
  await expect(updates(page).first()).toContainText('Search: Operational → to Major Outage');

  // A step has a button of its own: whatever is chosen above, it takes that step.
  await message(page).fill('Rolled back.');
  await page.getByRole('combobox', { name: 'Search', exact: true }).selectOption('Degraded');
  await button(page, 'Resolve').click();
  await expect(state(page)).toContainText('Resolved');
  await expect(updates(page).first()).toContainText('Rolled back.');
  const visitor = await stranger(page);
  await visitor.goto(`/public/${slug}`);
  await expect(visitor.getByRole('status').first()).toHaveText('Partially Degraded Service');

  const newest = updates(page).first();
  await newest.getByText('Edit', { exact: false }).first().click();
  await newest.getByLabel('Message').fill('Rolled back at noon.');
  await newest.getByRole('button', { name: 'Save update' }).click();
  await expect(newest.locator('.prose').first()).toHaveText('Rolled back at noon.');
  await newest.getByText('show earlier versions').click();
  await expect(newest.locator('.edits')).toContainText('Rolled back.');
  await expect(state(page)).toContainText('Resolved');

  await page.getByLabel('What happened, why, and what changes').fill('Lessons');
  await button(page, 'Publish').click();
  await expect(page.getByText(/^Published /)).toBeVisible();
  await visitor.goto(`/public/${slug}/incidents/${id}`);
  await expect(visitor.getByRole('main')).toContainText('Lessons');

  await page.getByLabel('Title', { exact: true }).fill('Payments failed');
  await button(page, 'Save details').click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Payments failed');
  await button(page, 'Detach Search').click();
  await expect(button(page, 'Detach Search')).toHaveCount(0);
  await newest.getByText('Delete', { exact: false }).first().click();
  await newest.getByRole('button', { name: 'Delete update' }).click();
  await expect(updates(page)).toHaveCount(2);
});

test('UI-26 a rejected update keeps what was typed', async ({ page, expectConsole }) => {
  expectConsole(REFUSED);
  await signUp(page);
  const api = await addService(page, 'API');
  const id = await open(page, { services: [{ id: api.id, status: 'partial_outage' }] });
  await page.goto(`/incidents/${id}`);
  const long = 'x'.repeat(25_001);
  await step(page, 'Monitoring').check();
  await message(page).fill(long);
  await page.getByRole('combobox', { name: 'API', exact: true }).selectOption('Degraded');
  await button(page, 'Post update').click();
  await expect(message(page)).toHaveAccessibleDescription(/at most 25000 characters|at most 25 000 characters/);
  await expect(message(page)).toHaveValue(long);
  await expect(step(page, 'Monitoring')).toBeChecked();
  await expect(page.getByRole('combobox', { name: 'API', exact: true })).toHaveValue('degraded');
  await expect(page.getByLabel(/subscribers/i)).toHaveCount(0);
  await message(page).fill('Short');
  await button(page, 'Post update').click();
  await expect(updates(page).first()).toContainText('Short');
  await expect(updates(page).first()).not.toContainText('subscribers');
});

test('UI-37 the slower of two editors sees the other update and can post after it', async ({ page, expectConsole }) => {
  expectConsole(REFUSED);
  await signUp(page, { name: 'Ada Lamp' });
  const id = await open(page, {});
  const kim = await colleague(page, 'Kim Ray');
  await page.goto(`/incidents/${id}`);
  await kim.goto(`/incidents/${id}`);
  await message(page).fill('Ada was faster');
  await step(page, 'Identified').check();
  await button(page, 'Post update').click();
  await message(kim).fill('Kim’s long text');
  await button(kim, 'Post update').click();
  await expect(kim.locator('.changed')).toContainText('This incident changed while you were writing.');
  await expect(kim.locator('.changed')).toContainText('by Ada Lamp');
  await expect(kim.locator('.changed')).toContainText('Ada was faster');
  await expect(message(kim)).toHaveValue('Kim’s long text');
  await button(kim, 'Post update').click();
  await expect(updates(kim)).toHaveCount(3);
  await expect(kim.locator('.changed')).toHaveCount(0);
  await expect(message(kim)).toHaveValue('');
});

test('rule 3.6 a maintenance is moved, begun and completed', async ({ page, expectConsole }) => {
  expectConsole(REFUSED);
  await signUp(page);
  const id = await open(page, {
    incident_type: 'maintenance',
    starts_at: `${year}-03-27T23:00:00Z`,
    ends_at: `${year}-03-28T02:00:00Z`,
  });
  await page.goto(`/incidents/${id}`);
  await page.getByLabel('Ends', { exact: true }).fill(`${year}-03-27T22:00`);
  await button(page, 'Reschedule').click();
  await expect(page.getByLabel('Ends', { exact: true })).toHaveAccessibleDescription(/The end must be after the start\./);
  await page.getByLabel('Starts', { exact: true }).fill(`${year}-03-27T20:00`);
  await button(page, 'Reschedule').click();
  await expect(updates(page)).toHaveCount(2);
  await page.getByLabel('Remind 60 minutes before').uncheck();
  await button(page, 'Save automations').click();
  await expect(page.getByLabel('Remind 60 minutes before')).not.toBeChecked();
  await button(page, 'Begin now').click();
  await expect(state(page)).toContainText('In Progress');
  await step(page, 'Complete').check();
  await button(page, 'Post update').click();
  await expect(state(page)).toContainText('Completed');
});

test('a draft is published, and an incident deleted by its title', async ({ page, expectConsole }) => {
  expectConsole(REFUSED);
  await signUp(page);
  const id = await open(page, { is_draft: true });
  await page.goto(`/incidents/${id}`);
  await button(page, 'Publish').click();
  await expect(page.getByText('Only members see this')).toHaveCount(0);
  await page.getByText('Delete this incident').click();
  await page.getByLabel('Type the title to confirm').fill('checkout');
  await button(page, 'Delete incident').click();
  await expect(page.getByLabel('Type the title to confirm')).toHaveValue('checkout');
  await page.getByLabel('Type the title to confirm').fill('Checkout fails');
  await button(page, 'Delete incident').click();
  await page.waitForURL('**/incidents');
  expect((await page.goto(`/incidents/${id}`))?.status()).toBe(404);
});
