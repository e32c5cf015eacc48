// The room of an incident or a maintenance: one page on which everybody works on the same thing.

import type { Locator, Page } from '@playwright/test';
import { content, expectAccessible, overflowing, RTL, WIDE } from './checks';
import { colleague } from './colleague';
import {
  addService,
  expect,
  go,
  NEXT_YEAR as year,
  REFUSED,
  signUp,
  SOON,
  stranger,
  test,
  whenShown,
} from './fixtures';

type Incident = { id: string; status: string; version: number; updates: { id: string; message: string }[] };

async function ask<T>(page: Page, method: string, path: string, data?: object): Promise<T> {
  const origin = new URL(test.info().project.use.baseURL!).origin;
  const response = await page.request.fetch(path, { method, data, headers: { origin } });
  expect(response.ok(), `${method} ${path}: ${response.status()} ${await response.text()}`).toBe(true);
  return (response.status() === 204 ? null : await response.json()) as T;
}

const open = (page: Page, wish: object) =>
  ask<Incident>(page, 'POST', '/api/incidents', { title: 'Checkout fails', message: 'We look into it.', ...wish });
const read = (page: Page, { id }: Incident) => ask<Incident>(page, 'GET', `/api/incidents/${id}`);
const say = (page: Page, { id }: Incident, update: object) =>
  ask(page, 'POST', `/api/incidents/${id}/updates`, update);
const plan = (page: Page, wish: object = {}) =>
  open(page, {
    title: 'Database upgrade',
    incident_type: 'maintenance',
    starts_at: `${year}-03-27T23:00:00Z`,
    ends_at: `${year}-03-28T02:00:00Z`,
    ...wish,
  });

const message = (page: Page) => page.getByLabel('Message', { exact: true }).first();
const step = (page: Page, name: string) =>
  page.getByRole('radiogroup', { name: 'Status' }).getByRole('radio', { name, exact: true });
const button = (page: Page | Locator, name: string) => page.getByRole('button', { name, exact: true });
const updates = (page: Page) => page.locator('.room-rest .timeline > .update');
const state = (page: Page) => page.locator('.room-state');
const impactOf = (page: Page, service: string) =>
  page.getByRole('group', { name: 'Services affected' }).getByRole('combobox', { name: service, exact: true });
const preview = (page: Page) => page.getByRole('complementary', { name: 'Preview' });
const notice = (page: Page) => page.locator('.changed').filter({ visible: true });
const following = (page: Page) => expect(page.getByRole('banner').getByText('Live', { exact: true })).toBeVisible();

/** Presses a button whose form is refused as somebody else was faster, and waits until the page has understood: it then
 * asks how the incident is. */
async function refuse(page: Page, target: Locator) {
  await Promise.all([
    page.waitForResponse((response) => response.request().method() === 'POST' && response.status() === 409),
    page.waitForRequest((request) => /\/room$/.test(request.url())),
    target.click(),
  ]);
}

async function enter(page: Page, { id }: { id: string }) {
  await go(page, `/incidents/${id}`);
  await following(page);
}

test('an update is posted, and the incident resolved, under the eyes of another member and a visitor', async ({
  page,
}) => {
  test.slow();
  const member = await signUp(page, { name: 'Ada Lamp' });
  const checkout = await addService(page, 'Checkout');
  await addService(page, 'Search');
  const incident = await open(page, { services: [{ id: checkout.id, status: 'partial_outage' }] });
  const kim = await colleague(page, 'Kim Ray');
  const visitor = await stranger(page);
  await Promise.all([enter(page, incident), enter(kim, incident), go(visitor, `/public/${member.slug}`)]);
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Checkout fails');
  await expect(state(page)).toContainText('Investigating');
  await expect(state(page)).toContainText('Impact: Major');

  await step(page, 'Identified').check();
  await expect(message(page)).toHaveAttribute('placeholder', /^The issue has been identified/);
  await message(page).fill('A **faulty** deploy.');
  await impactOf(page, 'Checkout').selectOption('Degraded');
  await page.getByText('Add services').click();
  await impactOf(page, 'Search').selectOption('Major Outage');
  const seen = await Promise.all([
    whenShown(kim, 'main', 'A faulty deploy.'),
    whenShown(visitor, 'main', 'A faulty deploy.'),
  ]);
  const before = Date.now();
  await button(page, 'Post update').click();
  for (const moment of seen) expect((await moment()) - before).toBeLessThan(SOON);

  await expect(message(page)).toHaveValue('');
  await expect(message(page)).toBeFocused();
  await expect(page.getByRole('status').filter({ hasText: 'Posted.' })).toBeVisible();
  for (const screen of [page, kim]) {
    await expect(updates(screen)).toHaveCount(2);
    await expect(updates(screen).first()).toContainText('Identified');
    await expect(updates(screen).first()).toContainText('by Ada Lamp');
    await expect(updates(screen).first()).toContainText('Checkout: Partial Outage → to Degraded');
    await expect(updates(screen).first().locator('strong').last()).toHaveText('faulty');
    await expect(step(screen, 'Identified')).toBeChecked();
  }
  await expect(visitor.getByRole('main')).toContainText('Partial System Outage');
  // The added service is now among the attached ones, and the rest of the form is reset.
  await expect(impactOf(page, 'Search')).toHaveValue('');
  await expect(impactOf(page, 'Search')).toHaveAccessibleDescription('Major Outage now');

  await button(kim, 'Resolve').click();
  await expect(state(page)).toContainText('Resolved');
  await expect(updates(page).first()).toContainText('This incident has been resolved.');
  await expect(updates(page).first()).toContainText('by Kim Ray');
  await expect(button(page, 'Resolve')).toHaveCount(0);
  await expect(visitor.getByRole('main')).toContainText('All Systems Operational');

  await step(page, 'Monitoring').check();
  await button(page, 'Post update').click();
  await expect(state(kim)).toContainText('Monitoring');
  await expect(button(kim, 'Resolve')).toBeVisible();
});

test('the preview shows the headline, the services and the update as visitors will see them', async ({
  page,
}) => {
  await signUp(page);
  const checkout = await addService(page, 'Checkout');
  const search = await addService(page, 'Search');
  const services = [checkout, search].map(({ id }) => ({ id, status: 'major_outage' }));
  await enter(page, await open(page, { services }));
  await expect(preview(page)).toContainText('Major System Outage');
  await message(page).fill('Half of it is *back*.');
  await expect(preview(page).locator('em')).toHaveText('back');
  await impactOf(page, 'Checkout').selectOption('Operational');
  await expect(preview(page)).toContainText('Partial System Outage');
  await expect(preview(page)).toContainText('Checkout: Major Outage → to Operational');

  await impactOf(page, 'Checkout').selectOption('No change');
  await step(page, 'Resolved').check();
  await expect(page.getByText('All services recover.')).toBeVisible();
  await expect(preview(page)).toContainText('All Systems Operational');
  await impactOf(page, 'Search').selectOption('Degraded');
  await expect(page.getByText('Search stays Degraded; all other services recover.')).toBeVisible();
  await expect(preview(page)).toContainText('Partially Degraded Service');
  await button(page, 'Post update').click();
  await expect(state(page)).toContainText('Resolved');
  const left = await ask<{ status: string }>(page, 'GET', `/api/services/${search.id}`);
  expect(left.status).toBe('degraded');

  await page.setViewportSize({ width: 390, height: 844 });
  const toggle = button(page, 'Preview the public page');
  await expect(preview(page).locator('.headline')).toBeHidden();
  await toggle.click();
  await expect(toggle).toHaveAttribute('aria-expanded', 'true');
  await expect(preview(page).locator('.headline')).toHaveText('Partially Degraded Service');
});

test('UI-37 the slower of two editors sees the conflict, and no text is lost', async ({ page, expectConsole }) => {
  test.slow();
  expectConsole(REFUSED);
  await signUp(page, { name: 'Ada Lamp' });
  const incident = await open(page, {});
  const kim = await colleague(page, 'Kim Ray');
  await Promise.all([enter(page, incident), enter(kim, incident)]);
  await message(kim).fill('Kim’s long text');
  await message(page).fill('Ada was faster');
  await step(page, 'Identified').check();
  await button(page, 'Post update').click();

  await expect(notice(kim)).toContainText('This incident changed while you were writing.');
  await expect(notice(kim)).toContainText('by Ada Lamp');
  await expect(notice(kim)).toContainText('Ada was faster');
  await expect(message(kim)).toHaveValue('Kim’s long text');
  // Sent all the same, it is refused, and stays.
  await refuse(kim, button(kim, 'Post update'));
  await expect(notice(kim)).toBeVisible();
  await expect(message(kim)).toHaveValue('Kim’s long text');
  expect((await read(page, incident)).updates).toHaveLength(2);

  await button(kim, 'Continue with the latest version').click();
  await expect(notice(kim)).toHaveCount(0);
  // What Kim did not choose follows what has been said since.
  await expect(step(kim, 'Identified')).toBeChecked();
  await button(kim, 'Post update').click();
  await expect(message(kim)).toHaveValue('');
  for (const screen of [page, kim]) {
    await expect(updates(screen)).toHaveCount(3);
    await expect(updates(screen).first()).toContainText('Kim’s long text');
  }
  await expect(state(page)).toContainText('Identified');
  await expect(notice(page)).toHaveCount(0);
});

test('UI-37 without a live feed, a conflict is shown when the update is sent', async ({ page, expectConsole }) => {
  expectConsole(REFUSED, /WebSocket/);
  await signUp(page);
  const incident = await open(page, {});
  await page.routeWebSocket(/\/api\/live/, () => {});
  await go(page, `/incidents/${incident.id}`);
  await message(page).fill('Written in the dark');
  await say(page, incident, { message: 'Posted first', status: 'monitoring' });
  await button(page, 'Post update').click();
  await expect(notice(page)).toContainText('Posted first');
  await expect(message(page)).toHaveValue('Written in the dark');
  await button(page, 'Continue with the latest version').click();
  await expect(page.locator('.form-error')).toHaveCount(0);
  await button(page, 'Post update').click();
  await expect(updates(page)).toHaveCount(3);
  await expect(state(page)).toContainText('Monitoring');
});

test('the selected status follows other people’s updates and announces nothing', async ({ page }) => {
  await signUp(page);
  const incident = await open(page, {});
  await enter(page, incident);
  await message(page).fill('One');
  await button(page, 'Post update').click();
  await expect(updates(page)).toHaveCount(2);
  await say(page, incident, { status: 'identified' });
  await expect(updates(page)).toHaveCount(3);
  await expect(step(page, 'Identified')).toBeChecked();
  await message(page).fill('Two');
  await button(page, 'Post update').click();
  await expect(updates(page)).toHaveCount(4);
  expect((await read(page, incident)).status).toBe('identified');
});

test('UI-28 an update sent twice at once is posted once', async ({ page }) => {
  await signUp(page);
  const incident = await open(page, {});
  await enter(page, incident);
  await message(page).fill('Once');
  // The second press of a double click finds the button resting; two requests at once find the same key.
  await page.evaluate(() => {
    const form = document.querySelector<HTMLFormElement>('.composer form')!;
    form.requestSubmit();
    form.requestSubmit();
  });
  await expect(message(page)).toHaveValue('');
  await expect(updates(page)).toHaveCount(2);
  await message(page).fill('Twice');
  await button(page, 'Post update').dblclick();
  await expect(updates(page)).toHaveCount(3);
  await expect(button(page, 'Post update')).toBeEnabled();
  const { updates: posted } = await read(page, incident);
  expect(posted.map(({ message }) => message)).toEqual(['Twice', 'Once', 'We look into it.']);
});

test('an update is corrected, with its earlier version shown, and one is deleted', async ({ page }) => {
  const { slug } = await signUp(page);
  const incident = await open(page, {});
  await say(page, incident, { message: 'Cause fuond', status: 'identified' });
  await enter(page, incident);
  const newest = updates(page).first();
  await newest.getByText('Edit', { exact: false }).first().click();
  await expect(newest.getByLabel('Message')).toHaveValue('Cause fuond');
  await newest.getByLabel('Message').fill('Cause found');
  await button(newest, 'Save update').click();
  await expect(newest.locator('.prose').first()).toHaveText('Cause found');
  await expect(page.getByRole('status').filter({ hasText: 'Saved.' })).toBeVisible();
  // Corrected within the minute it was posted in, it still is the newest.
  await expect(state(page)).toContainText('Identified');
  await expect(newest.getByLabel('Message')).toBeHidden();
  await expect(newest.locator('.tool > summary').first()).toBeFocused();
  await newest.getByText('show earlier versions').click();
  await expect(newest.locator('.edits .prose')).toHaveText('Cause fuond');
  const visitor = await stranger(page);
  await go(visitor, `/public/${slug}/incidents/${incident.id}`);
  await visitor.getByText('show earlier versions').click();
  await expect(visitor.getByRole('main')).toContainText('Cause fuond');

  await newest.getByText('Delete', { exact: false }).first().click();
  await button(newest, 'Delete update').click();
  await expect(updates(page)).toHaveCount(1);
  await expect(state(page)).toContainText('Investigating');
  await expect(page.getByRole('heading', { name: 'Timeline' })).toBeFocused();
  await expect(page.locator('.tool').filter({ hasText: 'Delete' })).toHaveCount(0);
});

test('UI-37 a text begun on an update stays when somebody else corrects it first', async ({ page, expectConsole }) => {
  expectConsole(REFUSED);
  await signUp(page);
  const incident = await open(page, {});
  await enter(page, incident);
  const only = updates(page).first();
  await only.getByText('Edit', { exact: false }).first().click();
  await only.getByLabel('Message').fill('My words');
  await ask(page, 'PUT', `/api/incidents/${incident.id}/updates/${incident.updates[0]!.id}`, { message: 'Other words' });
  await expect(only.locator('.changed')).toContainText('Other words');
  await refuse(page, button(only, 'Save update'));
  await expect(only.getByLabel('Message')).toHaveValue('My words');
  await button(only, 'Continue with the latest version').click();
  await button(only, 'Save update').click();
  await expect(only.locator('.prose').first()).toHaveText('My words');
});

test('the room shows who else is here, until they leave', async ({ page }) => {
  await page.clock.install();
  await signUp(page, { name: 'Ada Lamp' });
  const incident = await open(page, {});
  const kim = await colleague(page, 'Kim Ray');
  await enter(page, incident);
  const others = page.getByText('Also here');
  // The page asks every ten seconds of its own clock; the answer depends on what has reached the server by then.
  const soon = (look: () => Promise<void>) =>
    expect(async () => {
      await page.clock.fastForward(10_000);
      await look();
    }).toPass({ timeout: 20_000 });
  const appears = () => soon(() => expect(others).toHaveText('Also here: Kim Ray', { timeout: 1_000 }));
  const disappears = () => soon(() => expect(others).toHaveCount(0, { timeout: 1_000 }));
  await expect(others).toHaveCount(0);
  const place = async () => (await message(page).boundingBox())?.y;
  const before = await place();
  await enter(kim, incident);
  await expect(kim.getByRole('status').filter({ hasText: 'Also here: Ada Lamp' })).toBeVisible();
  await appears();
  expect(await place(), 'nothing moves while somebody is typing').toBe(before);
  // To another page of the application, and back, and away with the whole window.
  await kim.getByRole('navigation').getByRole('link', { name: 'Services' }).click();
  await disappears();
  await kim.goBack();
  await appears();
  await kim.goto('about:blank');
  await disappears();
});

test('rule 3.4.1 a postmortem is written after the resolution and published when ready', async ({ page }) => {
  const { slug } = await signUp(page);
  const incident = await open(page, {});
  await enter(page, incident);
  const text = page.getByLabel('What happened, why, and what changes');
  await expect(text).toHaveCount(0);
  await button(page, 'Resolve').click();
  await text.fill('A **bad** deploy');
  await expect(page.locator('.postmortem-preview strong')).toHaveText('bad');
  await button(page, 'Save draft').click();
  await expect(page.locator('.postmortem').getByText('Saved.')).toBeVisible();
  await expect(page.getByText('Not published. Only members see it.')).toBeVisible();
  await expect(text).toHaveValue('A **bad** deploy');
  const visitor = await stranger(page);
  await go(visitor, `/public/${slug}/incidents/${incident.id}`);
  await expect(visitor.getByRole('main')).not.toContainText('deploy');

  await button(page, 'Publish').click();
  await expect(page.locator('.postmortem').getByText(/^Published /)).toBeVisible();
  await expect(visitor.getByRole('main')).toContainText('A bad deploy');
  await button(page, 'Back to draft').click();
  await expect(page.getByText('Not published. Only members see it.')).toBeVisible();
});

test('details are corrected, services detached, and the incident deleted', async ({ page, expectConsole }) => {
  expectConsole(REFUSED);
  await signUp(page);
  const checkout = await addService(page, 'Checkout');
  const incident = await open(page, { services: [{ id: checkout.id, status: 'partial_outage' }] });
  await enter(page, incident);
  await page.getByLabel('Title', { exact: true }).fill('');
  await button(page, 'Save details').click();
  await expect(page.getByLabel('Title', { exact: true })).toHaveAccessibleDescription('This is required.');
  await page.getByLabel('Title', { exact: true }).fill('Payments fail');
  await page.getByLabel('Impact').selectOption('Critical');
  await page.getByLabel('Began at').fill('2026-01-02T03:04');
  await button(page, 'Save details').click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Payments fail');
  await expect(page).toHaveTitle('Payments fail · Aldis');
  await expect(state(page)).toContainText('Impact: Critical');
  await expect(state(page)).toContainText('2 Jan 2026, 03:04');
  // Changes by somebody else appear in the fields that nobody is editing.
  await ask(page, 'PUT', `/api/incidents/${incident.id}`, { title: 'Payments <fail>', impact: null });
  await expect(page.getByLabel('Title', { exact: true })).toHaveValue('Payments <fail>');
  await expect(page.getByLabel('Impact')).toHaveValue('');

  await button(page, 'Detach Checkout').click();
  await expect(page.getByText('Checkout was detached.')).toBeFocused();
  await expect(button(page, 'Detach Checkout')).toHaveCount(0);

  await page.getByText('Delete this incident').click();
  await page.getByLabel('Type the title to confirm').fill('payments');
  await button(page, 'Delete incident').click();
  await expect(page.getByLabel('Type the title to confirm')).toHaveAttribute('aria-invalid', 'true');
  await page.getByLabel('Type the title to confirm').fill('Payments <fail>');
  await button(page, 'Delete incident').click();
  await page.waitForURL('**/incidents');
  const gone = await page.goto(`/incidents/${incident.id}`);
  expect(gone?.status()).toBe(404);
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Incident not found');
});

test('a deletion by somebody else is shown, and the text stays', async ({ page, expectConsole }) => {
  expectConsole(REFUSED);
  await signUp(page);
  const incident = await open(page, {});
  await enter(page, incident);
  await message(page).fill('Half a sentence');
  await ask(page, 'DELETE', `/api/incidents/${incident.id}`);
  await expect(page.getByRole('alert').filter({ hasText: 'This incident has been deleted.' })).toBeVisible();
  await expect(message(page)).toHaveValue('Half a sentence');
  await page.getByRole('link', { name: 'Back to the list' }).click();
  await page.waitForURL('**/incidents');
});

test('a draft is published from its room', async ({ page, expectConsole }) => {
  expectConsole(REFUSED);
  const { slug } = await signUp(page);
  const incident = await open(page, { is_draft: true });
  const visitor = await stranger(page);
  expect((await visitor.goto(`/public/${slug}/incidents/${incident.id}`))?.status()).toBe(404);
  await enter(page, incident);
  await expect(page.getByRole('link', { name: 'View on public page' })).toHaveCount(0);
  await button(page, 'Publish').click();
  await expect(page.getByText('Only members see this')).toHaveCount(0);
  await expect(page.getByText('Published. Visitors can see it now.')).toBeFocused();
  await page.getByRole('link', { name: 'View on public page' }).click();
  await page.waitForURL(`**/public/${slug}/incidents/${incident.id}`);
  await expect(page.getByRole('main')).toContainText('Checkout fails');
});

test('rule 3.6 a maintenance is moved, begun early, verified and completed', async ({ page, expectConsole }) => {
  expectConsole(REFUSED);
  await signUp(page);
  const database = await addService(page, 'Database');
  const work = await plan(page, { services: [{ id: database.id, status: 'under_maintenance' }] });
  await enter(page, work);
  await expect(page.getByText(new RegExp(`27 Mar ${year}, 23:00 – \\w{3} 28 Mar ${year}, 02:00 UTC`)).first()).toBeVisible();
  await expect(step(page, 'Scheduled')).toBeChecked();
  await expect(page.getByRole('radiogroup', { name: 'Status' }).getByRole('radio')).toHaveCount(3);
  await expect(page.getByRole('heading', { name: 'Postmortem' })).toHaveCount(0);

  await page.getByLabel('Ends', { exact: true }).fill(`${year}-03-27T22:00`);
  await button(page, 'Reschedule').click();
  await expect(page.getByLabel('Ends', { exact: true })).toHaveAccessibleDescription(/The end must be after the start\./);
  await expect(page.getByLabel('Ends', { exact: true })).toHaveValue(`${year}-03-27T22:00`);
  await page.getByLabel('Starts', { exact: true }).fill(`${year}-03-27T20:00`);
  await button(page, 'Reschedule').click();
  await expect(updates(page)).toHaveCount(2);
  await expect(updates(page).first()).toContainText(new RegExp(`rescheduled to \\w{3} 27 Mar ${year}, 20:00–22:00 UTC`));

  await page.getByLabel('Remind 60 minutes before').uncheck();
  await page.getByLabel('Complete at the scheduled end').uncheck();
  await button(page, 'Save automations').click();
  await expect(page.locator('.plan').getByText('Saved.')).toBeVisible();
  await page.reload();
  await expect(page.getByLabel('Remind 60 minutes before')).not.toBeChecked();
  await expect(page.getByLabel('Begin at the scheduled start')).toBeChecked();
  await expect(page.getByLabel('Complete at the scheduled end')).not.toBeChecked();
  await expect(page.locator('html.alive')).toBeAttached();

  await page.getByLabel('Title', { exact: true }).fill('Database move');
  await button(page, 'Save details').click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Database move');

  await button(page, 'Begin now').click();
  await expect(state(page)).toContainText('In Progress');
  await expect(preview(page)).toContainText('Service Under Maintenance');
  await expect(page.getByLabel('Starts', { exact: true })).toHaveCount(0);
  await expect(page.getByLabel('Ends', { exact: true })).toBeVisible();
  await step(page, 'Verify').check();
  await button(page, 'Post update').click();
  await expect(state(page)).toContainText('Verifying');
  await button(page, 'Complete').click();
  await expect(state(page)).toContainText('Completed');
  await expect(page.getByText('This maintenance is over.')).toBeVisible();
  await expect(page.getByRole('radiogroup', { name: 'Status' }).getByRole('radio')).toHaveCount(1);
  await expect(preview(page)).toContainText('All Systems Operational');
});

test('UI-21 an incident is updated, resolved and reviewed by keyboard alone', async ({ page }) => {
  await signUp(page);
  const api = await addService(page, 'API');
  const incident = await open(page, { services: [{ id: api.id, status: 'major_outage' }] });
  await enter(page, incident);
  const tabTo = async (target: Locator) => {
    for (let stop = 0; stop < 60; stop += 1) {
      await page.keyboard.press('Tab');
      if (await target.evaluate((element) => element === document.activeElement)) return;
    }
    throw new Error(`60 stops, and none at ${target}`);
  };
  await tabTo(step(page, 'Investigating'));
  await page.keyboard.press('ArrowRight');
  await expect(step(page, 'Identified')).toBeChecked();
  await page.keyboard.press('Tab');
  await expect(message(page)).toBeFocused();
  await page.keyboard.type('Found it');
  await page.keyboard.press('Tab');
  await expect(impactOf(page, 'API')).toBeFocused();
  await page.keyboard.type('Deg');
  await page.keyboard.press('Control+Enter');
  await expect(updates(page)).toHaveCount(2);
  await expect(updates(page).first()).toContainText('API: Major Outage → to Degraded');
  await expect(message(page)).toBeFocused();
  await page.keyboard.type('It holds');
  await tabTo(button(page, 'Resolve'));
  await page.keyboard.press('Enter');
  await expect(state(page)).toContainText('Resolved');
  await expect(updates(page).first()).toContainText('It holds');
  await expect(message(page)).toBeFocused();

  const edit = updates(page).first().locator('.tool > summary').first();
  await tabTo(edit);
  await page.keyboard.press('Enter');
  await tabTo(updates(page).first().getByLabel('Message'));
  await page.keyboard.press('End');
  await page.keyboard.type(' now');
  await page.keyboard.press('Control+Enter');
  await expect(updates(page).first()).toContainText('It holds now');
  await expect(edit).toBeFocused();
  await tabTo(page.getByLabel('What happened, why, and what changes'));
  await page.keyboard.type('Lessons');
  await tabTo(button(page, 'Publish'));
  await page.keyboard.press('Enter');
  await expect(page.locator('.postmortem').getByText(/^Published /)).toBeVisible();
});

test('UI-04 UI-05 UI-06 UI-18 the room is accessible, fits its window and hydrates unchanged', async ({ page }) => {
  test.slow();
  const member = await signUp(page);
  const long = await addService(page, WIDE);
  const rtl = await addService(page, RTL);
  const services = [
    { id: long.id, status: 'partial_outage' },
    { id: rtl.id, status: 'degraded' },
  ];
  const incident = await open(page, { title: `${WIDE} <b>`, message: `${WIDE}\n\n${RTL}`, services });
  await say(page, incident, { message: 'Over', status: 'resolved' });
  const work = await plan(page, { services: [{ id: long.id, status: 'under_maintenance' }] });
  const plain = await stranger(page, { javaScriptEnabled: false, storageState: await page.context().storageState() });
  for (const { id } of [incident, work]) {
    const path = `/incidents/${id}`;
    await plain.goto(path);
    const before = await content(plain);
    await enter(page, { id });
    await expect(preview(page).locator('.prose').first()).not.toBeEmpty();
    await page.locator('details').evaluateAll((all) => all.forEach((one) => ((one as HTMLDetailsElement).open = true)));
    await expectAccessible(page, path);
    for (const width of [320, 390, 1000, 1440]) {
      await page.setViewportSize({ width, height: 900 });
      expect.soft(await overflowing(page), `${path} at ${width}`).toEqual([]);
    }
    // The preview comes with the client; everything else stood there before.
    await preview(page).evaluate((aside) => aside.replaceChildren());
    expect.soft(await content(page), path).toBe(before);
  }
});
