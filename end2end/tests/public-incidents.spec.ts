// Incidents and maintenances on the public pages, live and without JavaScript.

import type { Page } from '@playwright/test';
import { content, EMOJI, expectAccessible, overflowing, RTL, WIDE } from './checks';
import {
  addGroup,
  addService,
  expect,
  go,
  REFUSED,
  type Registration,
  signUp,
  SOON,
  stranger,
  test,
} from './fixtures';

type Incident = { id: string; updates: { id: string }[] };

/** A request to the REST API as the member who is logged in. */
async function ask<T>(page: Page, method: string, path: string, data?: object): Promise<T> {
  const origin = new URL(test.info().project.use.baseURL!).origin;
  const response = await page.request.fetch(path, { method, data, headers: { origin } });
  expect(response.ok(), `${method} ${path}: ${response.status()} ${await response.text()}`).toBe(true);
  return (response.status() === 204 ? null : await response.json()) as T;
}

const open = (page: Page, wish: object) => ask<Incident>(page, 'POST', '/api/incidents', wish);
const post = (page: Page, { id }: Incident, update: object) =>
  ask<{ id: string }>(page, 'POST', `/api/incidents/${id}/updates`, update);
const change = (page: Page, { id }: Incident, patch: object) => ask(page, 'PUT', `/api/incidents/${id}`, patch);

const hoursFromNow = (hours: number) => new Date(Date.now() + hours * 3_600_000).toISOString();
const daysAgo = (days: number) => hoursFromNow(-24 * days);

/** Waits until the page is connected to the live feed. */
const following = (page: Page) => expect(page.getByRole('banner').getByText('Live', { exact: true })).toBeVisible();

/** Records the screen reader announcements from now on, each with the politeness of its region. */
async function recordAnnouncements(page: Page): Promise<() => Promise<string[]>> {
  await page.evaluate(() => {
    const announced: string[] = [];
    Object.assign(window, { announced });
    for (const region of document.querySelectorAll('[aria-live], [role=status]')) {
      const tone = region.getAttribute('aria-live') ?? 'status';
      const note = () => region.textContent && announced.push(`${tone}: ${region.textContent}`);
      new MutationObserver(note).observe(region, { subtree: true, childList: true, characterData: true });
    }
  });
  return () => page.evaluate(() => (window as unknown as { announced: string[] }).announced);
}

/** Waits for an announcement. News that comes before it would be announced together with it. */
const expectAnnounced = (announced: () => Promise<string[]>, text: RegExp) =>
  expect.poll(async () => (await announced()).at(-1)).toMatch(text);

const section = (page: Page, title: string) =>
  page.locator('section', { has: page.getByRole('heading', { level: 2, name: title, exact: true }) });

test('UI-11 UI-12 an incident is opened, updated and resolved live, each announced once', async ({
  page,
}) => {
  const { slug } = await signUp(page);
  const checkout = await addService(page, 'Checkout');
  await addService(page, 'Search');
  const visitor = await stranger(page);
  await go(visitor, `/public/${slug}`);
  await following(visitor);
  const announced = await recordAnnouncements(visitor);
  const link = visitor.getByRole('link', { name: 'Status as JSON' });
  await link.focus();

  const services = [{ id: checkout.id, status: 'major_outage' }];
  const incident = await open(page, { title: 'Payments fail', message: 'We *look*.', services });
  const active = section(visitor, 'Active incidents');
  await expect(active.getByRole('heading', { name: 'Payments fail' })).toBeVisible({ timeout: SOON });
  await expect(active.locator('.timeline > li')).toHaveText([/Investigating.*We look\./s]);
  await expect(visitor.getByRole('status')).toHaveText('Partial System Outage');
  await expectAnnounced(announced, /^assertive: New incident/);

  await post(page, incident, { message: 'Found it.', status: 'identified' });
  await expectAnnounced(announced, /Found it\.$/);
  await expect(active.locator('.timeline > li')).toHaveText([/Identified.*Found it\./s, /Investigating/]);
  await expect(active.locator('.incident-mark')).toHaveText('Identified');
  await expect(link, 'focus has not moved').toBeFocused();

  // Other changes and corrections are shown but not announced.
  await ask(page, 'PUT', `/api/incidents/${incident.id}/updates/${incident.updates[0]!.id}`, { message: 'We looked.' });
  await expect(active.getByText('We looked.')).toBeVisible();
  await active.getByText('show earlier versions').click();
  await expect(active.locator('.edits')).toContainText('We look.');
  await change(page, incident, { title: 'Card payments fail' });
  await expect(active.getByRole('heading', { name: 'Card payments fail' })).toBeVisible();
  await expect(active.locator('.edits[open]'), 'disclosures stay open').toBeVisible();

  await post(page, incident, { message: 'Over.', status: 'resolved' });
  await expect(active).toHaveCount(0);
  const today = section(visitor, 'Past incidents').locator('.day').first();
  await expect(today.getByRole('heading', { level: 4, name: 'Card payments fail' })).toBeVisible();
  await expect(today.locator('.incident-mark')).toHaveText('Resolved');
  await expect(today).toContainText('All 3 updates');
  await expect(visitor.getByRole('status')).toHaveText('All Systems Operational');
  await expectAnnounced(announced, /Over\.$/);

  const all = (await announced()).sort();
  expect(all).toEqual(
    [
      'status: Partial System Outage',
      'assertive: New incident: Payments fail, Investigating. We look.',
      'assertive: Payments fail, Identified. Found it.',
      'polite: Card payments fail, Resolved. Over.',
      'status: All Systems Operational',
    ].sort(),
  );
});

test('UI-51 a maintenance is scheduled, begun and completed live, shown in both zones', async ({ page }) => {
  const { slug } = await signUp(page);
  const api = await addService(page, 'API');
  await page.request.post('/fn/aldis/app/server_fns/set_time_zone', {
    form: { time_zone: 'Europe/Berlin' },
    headers: { origin: new URL(test.info().project.use.baseURL!).origin },
  });
  const visitor = await stranger(page, { timezoneId: 'Asia/Tokyo' });
  await go(visitor, `/public/${slug}`);
  await following(visitor);
  const announced = await recordAnnouncements(visitor);

  const starts_at = `${hoursFromNow(48).slice(0, 10)}T01:00:00Z`;
  const ends_at = starts_at.replace('T01', 'T02');
  const work = { title: 'Database upgrade', incident_type: 'maintenance', starts_at, ends_at, service_ids: [api.id] };
  const maintenance = await open(page, work);
  const upcoming = section(visitor, 'Upcoming maintenance');
  await expect(upcoming.getByRole('heading', { name: 'Database upgrade' })).toBeVisible();
  await expect(upcoming.locator('.window > time')).toHaveText(/0[23]:00–0[34]:00 CES?T$/);
  await expect(upcoming.locator('.window-here')).toHaveText(/10:00–11:00 GMT\+9, in your zone$/);
  const plain = await stranger(page, { javaScriptEnabled: false });
  await plain.goto(`/public/${slug}/incidents/${maintenance.id}`);
  await expect(plain.locator('.window')).toHaveText(/0[23]:00–0[34]:00 CES?T$/);
  await expect(plain.getByText('Times in Europe/Berlin')).toBeVisible();
  const near = await stranger(page, { timezoneId: 'Europe/Paris' });
  await go(near, `/public/${slug}`);
  await expect(near.locator('.window')).toHaveText(/CES?T$/);
  await expect(near.locator('.window-here'), 'same wall-clock time').toHaveCount(0);

  await expectAnnounced(announced, /^polite: Planned maintenance/);
  await post(page, maintenance, { status: 'in_progress', message: 'We begin.' });
  await expectAnnounced(announced, /We begin\.$/);
  await expect(upcoming).toHaveCount(0);
  const running = section(visitor, 'Maintenance in progress');
  await expect(running.locator('.incident-mark')).toHaveText('In Progress');
  await expect(visitor.locator('.service')).toContainText('Under Maintenance');
  await post(page, maintenance, { status: 'completed', message: 'Done.' });
  await expectAnnounced(announced, /Done\.$/);
  await expect(running).toHaveCount(0);
  await expect(section(visitor, 'Past incidents').locator('.incident-mark')).toHaveText('Completed');
  const told = section(visitor, 'Past incidents').locator('.update-head time');
  await expect(told).toContainText('GMT+9');
  await visitor.getByRole('combobox', { name: 'Times in' }).selectOption('Europe/Berlin');
  await expect(told).toContainText(/CES?T/);
  expect((await announced()).filter((text) => !text.startsWith('status:'))).toEqual([
    expect.stringMatching(/^polite: Planned maintenance: Database upgrade, Scheduled\. /),
    'polite: Database upgrade, In Progress. We begin.',
    'polite: Database upgrade, Completed. Done.',
  ]);
});

test('an incident’s own page is live up to the postmortem and shows its removal', async ({ page, expectConsole }) => {
  expectConsole(REFUSED);
  const { slug } = await signUp(page);
  await addService(page, 'API');
  const incident = await open(page, { title: 'Payments fail', message: 'We look.', impact: 'minor' });
  await open(page, { title: 'Something else', message: 'Elsewhere.' });
  const visitor = await stranger(page);
  const address = `/public/${slug}/incidents/${incident.id}`;
  await go(visitor, `/public/${slug}`);
  await visitor.getByRole('link', { name: 'Payments fail' }).first().click();
  await visitor.waitForURL(`**${address}`);
  await following(visitor);
  const announced = await recordAnnouncements(visitor);
  await expect(visitor.getByRole('heading', { level: 1 })).toHaveText('Payments fail');
  const updates = section(visitor, 'Updates').locator('.timeline > li');
  await post(page, incident, { message: 'Still at it.' });
  await expect(updates).toHaveText([/Update.*Still at it\./s, /Investigating.*We look\./s]);
  await expectAnnounced(announced, /Still at it\.$/);
  await open(page, { title: 'A third thing', message: 'Not for here.' });
  await post(page, incident, { message: 'Over.', status: 'resolved' });
  await expectAnnounced(announced, /Over\.$/);
  await expect(updates).toHaveCount(3);
  await change(page, incident, { postmortem: 'We learned **much**.', publish_postmortem: true });
  await expect(section(visitor, 'Postmortem')).toContainText('We learned much.');
  expect(await announced(), 'of this incident only').toEqual([
    'polite: Payments fail, Investigating. Still at it.',
    'polite: Payments fail, Resolved. Over.',
  ]);

  await ask(page, 'DELETE', `/api/incidents/${incident.id}`);
  await expect(visitor.getByRole('status')).toHaveText('This incident was removed.');
  await expect(visitor.getByRole('heading', { level: 1 })).toBeHidden();
  expect((await visitor.reload())!.status()).toBe(404);
  await visitor.getByRole('link', { name: 'Current status' }).click();
  await visitor.waitForURL(`**/public/${slug}`);
});

test('an old incident stays on its own page until it is removed', async ({
  page,
  expectConsole,
}) => {
  expectConsole(REFUSED);
  const { slug } = await signUp(page);
  const past = { title: 'Long ago', message: 'It was.', started_at: daysAgo(40), resolved_at: daysAgo(39) };
  const incident = await open(page, past);
  const visitor = await stranger(page);
  await go(visitor, `/public/${slug}/incidents/${incident.id}`);
  await following(visitor);
  // A change of groups reloads the page's state, which lacks the incident.
  const asked = visitor.waitForResponse((response) => response.url().endsWith(incident.id) && response.ok());
  await addGroup(page, 'Core platform');
  await asked;
  await change(page, incident, { title: 'Very long ago' });
  await expect(visitor.getByRole('heading', { level: 1 })).toHaveText('Very long ago');
  await expect(visitor.getByText('was removed')).toHaveCount(0);
  await ask(page, 'DELETE', `/api/incidents/${incident.id}`);
  await expect(visitor.getByRole('status')).toHaveText('This incident was removed.');
});

test('past months and the current one are live', async ({ page }) => {
  const { slug } = await signUp(page);
  const [visitor, reader] = [await stranger(page), await stranger(page)];
  const past = daysAgo(70);
  await go(visitor, `/public/${slug}/history`);
  await go(reader, `/public/${slug}/history?month=${past.slice(0, 7)}`);
  await following(visitor);
  await following(reader);
  const announced = await recordAnnouncements(visitor);

  const incident = await open(page, { title: 'Payments fail', message: 'We look.' });
  const today = visitor.locator('.day').first();
  await expect(today.getByRole('heading', { level: 3, name: 'Payments fail' })).toBeVisible({ timeout: SOON });
  await expect(today).not.toContainText('No incidents reported.');
  await expectAnnounced(announced, /^polite: New incident: Payments fail, Investigating\. We look\.$/);
  await post(page, incident, { message: 'Over.', status: 'resolved' });
  await expect(today.locator('.incident-mark')).toHaveText('Resolved');
  await expectAnnounced(announced, /Over\.$/);
  await ask(page, 'DELETE', `/api/incidents/${incident.id}`);
  await expect(today.getByRole('heading', { level: 3 })).toHaveCount(0);
  await expect(today).toContainText('No incidents reported.');

  // An incident is backfilled and deleted while somebody reads its month.
  const ended = new Date(Date.parse(past) + 60_000).toISOString();
  const old = await open(page, { title: 'Mail was slow', started_at: past, resolved_at: ended });
  const found = reader.getByRole('heading', { level: 3, name: 'Mail was slow' });
  await expect(found).toBeVisible({ timeout: SOON });
  await expect(visitor.getByText('Mail was slow')).toHaveCount(0);
  await change(page, old, { title: 'Mail was very slow' });
  await expect(reader.getByRole('heading', { level: 3, name: 'Mail was very slow' })).toBeVisible();
  await ask(page, 'DELETE', `/api/incidents/${old.id}`);
  await expect(reader.getByRole('heading', { level: 3 })).toHaveCount(0);
});

// --- Every page in every state --------------------------------------------------------------------------------------

/** Fills an organization with data named like this; returns the paths of all its public pages. */
async function busy(page: Page, member: Registration, name: string): Promise<string[]> {
  const { slug } = member;
  const api = await addService(page, { name, description: name });
  const services = [{ id: api.id, status: 'partial_outage' }];
  const message = `**${name}** ${name}\n\n- one\n- [two](https://example.test/${name})\n\n> three\n\n\`${name}\``;
  const active = await open(page, { title: name, message, services });
  const update = await post(page, active, { message, status: 'identified' });
  await ask(page, 'PUT', `/api/incidents/${active.id}/updates/${update.id}`, { message: `${message} again` });
  await open(page, { title: `${name} none`, message, impact: 'none' });
  const plan = { incident_type: 'maintenance', message, service_ids: [api.id] };
  const window = (from: number) => ({ starts_at: hoursFromNow(from), ends_at: hoursFromNow(from + 30) });
  const planned = await open(page, { title: `${name} planned`, ...plan, ...window(40) });
  const running = await open(page, { title: `${name} running`, ...plan, ...window(1) });
  await post(page, running, { status: 'in_progress' });
  const times = { started_at: daysAgo(3), resolved_at: daysAgo(2) };
  const past = await open(page, { title: `${name} past`, message, services, impact: 'critical', ...times });
  await post(page, past, { message });
  await change(page, past, { postmortem: `# ${name}\n\n${message}`, publish_postmortem: true });
  const own = [active, planned, running, past].map(({ id }) => `/public/${slug}/incidents/${id}`);
  return [`/public/${slug}`, `/public/${slug}/history`, ...own];
}

test('UI-05 the text of every public page is the same before and after hydration', async ({ page }) => {
  const pages = await busy(page, await signUp(page), '<Checkout> & "more"');
  const plain = await stranger(page, { javaScriptEnabled: false, timezoneId: 'America/St_Johns' });
  for (const path of pages) {
    await plain.goto(path);
    await go(page, path);
    expect.soft(await content(page), path).toBe(await content(plain));
  }
});

test('UI-06 UI-22 incidents, months and 404 pages pass axe', async ({ page, expectConsole }) => {
  expectConsole(REFUSED);
  const member = await signUp(page);
  const pages = await busy(page, member, 'Checkout');
  for (const path of [...pages, `/public/${member.slug}/incidents/none`, `/public/${member.slug}/history?month=x`]) {
    await go(page, path);
    for (const fold of await page.locator('main details > summary').all()) await fold.click();
    await expectAccessible(page, path);
    await expect(page.getByRole('main')).toHaveCount(1);
    await expect(page.getByRole('heading', { level: 1 })).toHaveCount(1);
  }
});

for (const [kind, name] of Object.entries({ wide: WIDE, 'right-to-left': RTL, emoji: EMOJI })) {
  test(`UI-18 UI-47 ${kind} titles and messages fit at every width`, async ({ page }) => {
    test.slow();
    for (const path of await busy(page, await signUp(page, { organization: name, name }), name)) {
      await go(page, path);
      for (const fold of await page.locator('main details > summary').all()) await fold.click();
      for (const width of [320, 390, 1440]) {
        await page.setViewportSize({ width, height: 800 });
        expect.soft(await overflowing(page), `${path} at ${width}`).toEqual([]);
      }
    }
  });
}

test('UI-19 on a phone all targets are at least 44 px high', async ({ page }) => {
  await page.setViewportSize({ width: 390, height: 844 });
  for (const path of await busy(page, await signUp(page), 'Checkout')) {
    await go(page, path);
    const small = await page.evaluate(() =>
      [...document.querySelectorAll('a, button, summary')]
        .filter((target) => target.checkVisibility() && !target.closest('.prose'))
        .map((target) => ({ text: target.textContent, height: target.getBoundingClientRect().height }))
        .filter(({ height }) => height < 44),
    );
    expect.soft(small, path).toEqual([]);
  }
});

test('UI-02 everything can be read and unfolded without JavaScript', async ({ page }) => {
  const member = await signUp(page);
  const [home, history, active] = await busy(page, member, 'Checkout');
  const plain = await stranger(page, { javaScriptEnabled: false });
  await plain.goto(home!);
  const card = section(plain, 'Active incidents').locator('.incident').filter({ hasText: 'Identified' });
  await card.getByText('show earlier versions').click();
  await expect(card.locator('.edits ol')).toBeVisible();
  await expect(section(plain, 'Upcoming maintenance')).toContainText('Checkout planned');
  await card.getByRole('link', { name: 'Checkout', exact: true }).click();
  await plain.waitForURL(`**${active}`);
  await expect(section(plain, 'Updates').locator('.timeline > li')).toHaveCount(2);
  await plain.getByRole('link', { name: 'History' }).click();
  await plain.waitForURL(`**${history}`);
  await expect(plain.getByRole('heading', { level: 1 })).toHaveText(/^History: \w+ \d{4}$/);
  await expect(plain.locator('.incident')).not.toHaveCount(0);
});
