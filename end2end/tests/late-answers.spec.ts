// Late responses neither move the cursor nor discard what was typed in the meantime.

import type { Page } from '@playwright/test';
import { addService, alive, expect, go, holdClient, REFUSED, row, signUp, test } from './fixtures';

/** Holds back the answers of the server to these requests until they are released. Later ones go their own way: the
 * test may end before they are answered. */
async function hold(page: Page, requests: string): Promise<() => void> {
  let release = () => {};
  let isReleased = false;
  const held = new Promise<void>((resolve) => {
    release = () => {
      isReleased = true;
      resolve();
    };
  });
  await page.route(requests, async (route) => {
    if (isReleased) return route.continue();
    const response = await route.fetch();
    await held;
    await route.fulfill({ response });
  });
  return release;
}

/** Lets the page draw as often as it takes for a cursor to be led away. */
const settle = (page: Page): Promise<void> =>
  page.evaluate(async () => {
    for (let frame = 0; frame < 4; frame += 1) await new Promise(requestAnimationFrame);
  });

async function enterNewRoom(page: Page, ...services: string[]): Promise<void> {
  await signUp(page);
  for (const service of services) await addService(page, service);
  const headers = { origin: new URL(test.info().project.use.baseURL!).origin };
  const answer = await page.request.post('/api/incidents', { data: { title: 'Checkout fails' }, headers });
  await go(page, `/incidents/${((await answer.json()) as { id: string }).id}`);
}

const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });
const updates = (page: Page) => page.locator('.room-rest .timeline > .update');
const impactOf = (page: Page, service: string) =>
  page.getByRole('group', { name: 'Services affected' }).getByRole('combobox', { name: service, exact: true });
const message = (page: Page) => page.getByLabel('Message', { exact: true }).first();

test('a postmortem begun before the last update is answered keeps its text', async ({ page }) => {
  await enterNewRoom(page);
  const release = await hold(page, '**/post_update');
  await button(page, 'Resolve').click();
  // The line is quicker than the answer.
  const postmortem = page.getByLabel('What happened, why, and what changes');
  await postmortem.click();
  await page.keyboard.type('A bad ');
  release();
  await expect(page.getByRole('status').filter({ hasText: 'Posted.' })).toBeVisible();
  await settle(page);
  await page.keyboard.type('deploy');
  await expect(postmortem).toHaveValue('A bad deploy');
  await expect(message(page)).toHaveValue('');
});

test('text typed while an update is being sent stays, and can be posted', async ({ page }) => {
  await enterNewRoom(page, 'Checkout');
  const release = await hold(page, '**/post_update');
  const status = impactOf(page, 'Checkout');
  await message(page).fill('Cards are declined.');
  await page.getByText('Add services').click();
  await status.selectOption('Degraded');
  await button(page, 'Post update').click();
  await expect(updates(page)).toHaveCount(2);
  await expect(page.getByText('changed while you were writing'), 'it is their own').toHaveCount(0);
  await message(page).press('Control+End');
  await page.keyboard.type(' We look');
  release();
  await expect(page.getByRole('status').filter({ hasText: 'Posted.' })).toBeVisible();
  await settle(page);
  await page.keyboard.type(' into it.');
  await expect(message(page)).toHaveValue('Cards are declined. We look into it.');
  // What was chosen was for the update that is posted.
  await expect(status).toHaveValue('');
  await expect(page.getByLabel(/subscribers/i)).toHaveCount(0);
  await button(page, 'Post update').click();
  await expect(updates(page)).toHaveCount(3);
  await expect(updates(page).first()).toContainText('Cards are declined. We look into it.');
  await expect(updates(page).first()).not.toContainText('subscribers');
  await expect(message(page)).toHaveValue('');
});

test('an update whose response is lost is not posted twice, and text typed since can be posted', async ({
  page,
  expectConsole,
}) => {
  expectConsole(REFUSED, /net::ERR_FAILED/);
  await enterNewRoom(page);
  await page.route('**/post_update', async (route) => {
    await route.fetch();
    await route.abort();
  });
  await message(page).fill('Cards are declined.');
  await button(page, 'Post update').click();
  await expect(updates(page)).toHaveCount(2);
  await expect(button(page, 'Post update')).toBeEnabled();
  await page.unroute('**/post_update');
  await message(page).fill('Cards are declined. We look into it.');
  await Promise.all([
    page.waitForResponse((response) => response.url().endsWith('/post_update') && response.status() === 409),
    button(page, 'Post update').click(),
  ]);
  await expect(button(page, 'Post update')).toBeEnabled();
  await expect(page.getByText('changed while you were writing')).toBeVisible();
  await button(page, 'Continue with the latest version').click();
  await button(page, 'Post update').click();
  await expect(updates(page)).toHaveCount(3);
  await expect(updates(page).first()).toContainText('Cards are declined. We look into it.');
});

test('an update without text whose response is lost can be sent again', async ({ page, expectConsole }) => {
  expectConsole(/net::ERR_FAILED/);
  await enterNewRoom(page);
  await page.route('**/post_update', async (route) => {
    await route.fetch();
    await route.abort();
  });
  await button(page, 'Post update').click();
  await expect(updates(page)).toHaveCount(2);
  await expect(button(page, 'Post update')).toBeEnabled();
  await page.unroute('**/post_update');
  await button(page, 'Post update').click();
  await expect(page.getByRole('status').filter({ hasText: 'Posted.' })).toBeVisible();
  await expect(updates(page)).toHaveCount(2);
});

test('a postmortem edited while its draft is being saved keeps its text', async ({ page }) => {
  await enterNewRoom(page);
  await button(page, 'Resolve').click();
  const postmortem = page.getByLabel('What happened, why, and what changes');
  await expect(page.getByRole('status').filter({ hasText: 'Posted.' })).toBeVisible();
  await postmortem.fill('A bad');
  await expect(page.locator('.postmortem-preview'), 'it moves what is below').toContainText('A bad');
  const release = await hold(page, '**/write_postmortem');
  await button(page, 'Save draft').click();
  await postmortem.press('Control+End');
  await page.keyboard.type(' deploy');
  release();
  await expect(page.locator('.postmortem').getByText('Saved.')).toBeVisible();
  await settle(page);
  await page.keyboard.type(' on Monday.');
  await expect(postmortem).toHaveValue('A bad deploy on Monday.');
  await button(page, 'Publish').click();
  await expect(page.locator('.postmortem').getByText(/^Published /)).toBeVisible();
  await expect(postmortem).toHaveValue('A bad deploy on Monday.');
});

test('a name typed while the previous service is being added is kept', async ({ page }) => {
  await signUp(page);
  await go(page, '/services');
  const name = page.getByLabel('Name', { exact: true });
  await name.fill('Checkout');
  const release = await hold(page, '**/add_service');
  await name.press('Enter');
  await expect(row(page, 'Checkout')).toBeVisible();
  await name.press('Control+a');
  await page.keyboard.type('Sea');
  release();
  await expect(page.getByRole('status').filter({ hasText: 'Added.' })).toBeVisible();
  await page.keyboard.type('rch');
  await expect(name).toHaveValue('Search');
  await name.press('Enter');
  await expect(row(page, 'Search')).toBeVisible();
  await expect(name).toHaveValue('');
});

test('a late rejection is shown and does not move the focus', async ({ page, expectConsole }) => {
  expectConsole(REFUSED);
  await enterNewRoom(page);
  const title = page.getByLabel('Title', { exact: true });
  await title.fill('');
  const release = await hold(page, '**/edit_incident');
  await button(page, 'Save details').click();
  await message(page).click();
  await page.keyboard.type('We look ');
  release();
  await expect(title).toHaveAccessibleDescription('This is required.');
  await settle(page);
  await page.keyboard.type('into it.');
  await expect(message(page)).toHaveValue('We look into it.');
  // Who waits is led to what there is to correct.
  await button(page, 'Save details').click();
  await expect(title).toBeFocused();
});

test('a rejection of the form being edited does not move the focus', async ({ page, expectConsole }) => {
  expectConsole(REFUSED);
  await signUp(page);
  await go(page, '/services');
  const [name, description] = ['Name', 'Description'].map((label) => page.getByLabel(label, { exact: true }));
  const release = await hold(page, '**/add_service');
  await name!.press('Enter');
  await description!.click();
  await page.keyboard.type('What shoppers ');
  release();
  await expect(name!).toHaveAccessibleDescription('This is required.');
  await settle(page);
  await page.keyboard.type('pay with');
  await expect(description!).toHaveValue('What shoppers pay with');
  await expect(name!).toHaveValue('');
});

test('the client does not move the focus to the first field when typing has begun', async ({ page }) => {
  await signUp(page);
  const release = await holdClient(page);
  await page.goto('/incidents/new');
  await message(page).click();
  await page.keyboard.type('Cards are ');
  release();
  await alive(page);
  await settle(page);
  await page.keyboard.type('declined.');
  await expect(message(page)).toHaveValue('Cards are declined.');
  await expect(page.getByLabel('Title', { exact: true })).toHaveValue('');
});
