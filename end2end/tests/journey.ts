// An incident from opening to postmortem, with two members and two visitors, each in a browser context of their own.
//
// The scenario is shared by mouse, keyboard and plain forms, which differ in their `Hands`. After every step all
// screens are compared with the expected state.

import type { Locator, Page } from '@playwright/test';
import { invite } from './colleague';
import { alive, expect, go, password, type Registration, stranger, test, unique } from './fixtures';
import { expectScreens, type Screen, type Services, type ExpectedIncident, type World } from './screens';

// --- Hands ----------------------------------------------------------------------------------------------------------

/** How people act on a page. */
export interface Hands {
  /** Whether screens update by themselves. */
  readonly isLive: boolean;
  /** Follows a link, or toggles a disclosure. */
  press(target: Locator): Promise<void>;
  /** Replaces the text of a field. */
  write(field: Locator, text: string): Promise<void>;
  /** Chooses an option of a `select` by its label. */
  choose(choice: Locator, words: string): Promise<void>;
  /** Checks a radio button. */
  pick(radio: Locator): Promise<void>;
  /** Goes from the overview to the form of a new incident. */
  compose(page: Page): Promise<void>;
  /** Submits a form by its button. */
  send(button: Locator): Promise<void>;
  /** Submits a form the fastest way, with focus in one of its fields. */
  sendFrom(button: Locator): Promise<void>;
}

/** Hands with a mouse. */
export const mouse: Hands = {
  isLive: true,
  press: (target) => target.click(),
  write: (field, text) => field.fill(text),
  choose: async (choice, words) => {
    await choice.selectOption(words);
  },
  pick: (radio) => radio.check(),
  compose: (page) => newIncident(page).click(),
  send: (button) => button.click(),
  sendFrom: (button) => button.click(),
};

/** The link on the overview that leads to the form of a new incident. */
export const newIncident = (page: Page): Locator =>
  page.getByRole('main').getByRole('link', { name: 'New incident', exact: true });

// --- Actions --------------------------------------------------------------------------------------------------------

const button = (root: Page | Locator, name: string) => root.getByRole('button', { name, exact: true });
const field = (root: Page | Locator, name: string) => root.getByLabel(name, { exact: true });
const affected = (root: Page | Locator, service: string) =>
  root.getByRole('group', { name: 'Services affected' }).getByRole('combobox', { name: service, exact: true });
const composer = (page: Page) => page.getByRole('region', { name: 'Post an update' });
const newest = (page: Page) => page.locator('.room-rest .timeline > li, .incident-page .timeline > li').first();

async function register(hands: Hands, page: Page): Promise<Registration> {
  const slug = unique('journey');
  const email = `${slug}@example.test`;
  const chosen = { organization: 'Lamp & Sons', slug, name: ADA, email, password: password() };
  await go(page, '/register');
  await hands.write(field(page, 'Organization name'), chosen.organization);
  await hands.write(field(page, 'Page address'), slug);
  await hands.write(field(page, 'Your name'), chosen.name);
  await hands.write(field(page, 'Email'), email);
  await hands.write(field(page, 'Password'), chosen.password);
  await hands.send(button(page, 'Create organization'));
  await page.waitForURL('**/dashboard');
  await alive(page);
  return chosen;
}

/** Accepts an invitation as somebody new. */
async function join(hands: Hands, page: Page, link: string, name: string): Promise<void> {
  await go(page, link);
  await hands.write(field(page, 'Your name'), name);
  await hands.write(field(page, 'Password'), password());
  await hands.send(button(page, 'Create account and join'));
  await page.waitForURL('**/dashboard');
  await alive(page);
}

/** Adds services on their page and returns to the overview. */
async function addServices(hands: Hands, page: Page, names: string[]): Promise<void> {
  await hands.press(page.getByRole('link', { name: 'Add your first service' }));
  await page.waitForURL('**/services');
  for (const name of names) {
    await hands.write(field(page, 'Name'), name);
    await hands.send(button(page, 'Add service'));
    await expect(page.locator('main li.row a', { hasText: name }).first()).toBeVisible();
    await expect(field(page, 'Name')).toHaveValue('');
  }
  await hands.press(page.getByRole('navigation').getByRole('link', { name: 'Overview' }));
  await page.waitForURL('**/dashboard');
}

type NewIncident = { title: string; message: string; services: Services };

/** Opens an incident from the overview and arrives in its room. */
async function open(hands: Hands, page: Page, { title, message, services }: NewIncident): Promise<void> {
  await hands.compose(page);
  await page.waitForURL('**/incidents/new');
  await hands.write(field(page, 'Title'), title);
  await hands.write(field(page, 'Message'), message);
  for (const [service, status] of Object.entries(services)) await hands.choose(affected(page, service), status);
  await hands.sendFrom(button(page, 'Open incident'));
  await page.waitForURL(/\/incidents\/[0-9a-f-]{36}$/);
  await alive(page);
}

type Update = { status?: string; message: string; services?: Services };

/** Posts an update in the room. */
async function post(hands: Hands, page: Page, { status, message, services = {} }: Update): Promise<void> {
  const form = composer(page);
  if (status) await hands.pick(form.getByRole('radio', { name: status, exact: true }));
  await hands.write(field(form, 'Message'), message);
  for (const [service, status] of Object.entries(services)) await hands.choose(affected(form, service), status);
  await hands.sendFrom(button(form, 'Post update'));
}

/** Resolves the incident by its button. */
async function resolve(hands: Hands, page: Page, message?: string): Promise<void> {
  if (message) await hands.write(field(composer(page), 'Message'), message);
  await hands.send(button(composer(page), 'Resolve'));
}

/** Edits the latest update. */
async function edit(hands: Hands, page: Page, message: string): Promise<void> {
  const update = newest(page);
  await hands.press(update.locator('summary', { hasText: /^Edit the update/ }));
  await hands.write(field(update, 'Message'), message);
  await hands.sendFrom(button(update, 'Save update'));
}

/** Goes to an incident room by way of the list. */
async function enter(hands: Hands, page: Page, title: string): Promise<void> {
  await hands.press(page.getByRole('navigation').getByRole('link', { name: /^Incidents/ }));
  await page.waitForURL('**/incidents');
  await hands.press(page.getByRole('main').getByRole('link', { name: title, exact: true }));
  await page.waitForURL(/\/incidents\/[0-9a-f-]{36}$/);
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(title);
}

// --- The scenario ---------------------------------------------------------------------------------------------------

const [ADA, BOB] = ['Ada Lamp', 'Bob Ray'];
const FIRST = 'Payments fail';
const SECOND = 'Checkout is slow';
const POSTMORTEM = 'The pool was **too small** for a Monday.';
/** The audit entries of the first incident, oldest first. */
const FIRST_AUDIT = [
  ['Incident opened', ADA],
  ['Update posted', BOB],
  ['Update posted', ADA],
  ['Update edited', ADA],
  ['Update posted', ADA],
  ['Incident changed', ADA],
  ['Incident changed', ADA],
];

/** Runs the scenario with these hands. */
export async function runScenario(hands: Hands, ada: Page): Promise<void> {
  const account = await register(hands, ada);
  await addServices(hands, ada, ['Checkout', 'Search', 'Mail']);
  const bob = await stranger(ada);
  await join(hands, bob, await invite(ada, `${unique('bob')}@example.test`), BOB);
  const [bobsList, bobsRoom] = [await bob.context().newPage(), await bob.context().newPage()];
  await go(bobsList, '/incidents');
  await go(bobsRoom, '/dashboard');
  const [eve, dan] = [await stranger(ada), await stranger(ada)];
  const sent: string[] = [];
  for (const visitor of [eve, dan]) {
    visitor.on('websocket', (socket) => socket.on('framereceived', ({ payload }) => sent.push(String(payload))));
    await go(visitor, `/public/${account.slug}`);
  }

  const a: Screen = { whose: 'Ada', page: ada, kind: 'overview' };
  const b: Screen = { whose: 'Bob', page: bobsRoom, kind: 'overview' };
  const d: Screen = { whose: 'Dan', page: dan, kind: 'public page' };
  const screens: Screen[] = [
    a,
    { whose: 'Bob', page: bob, kind: 'overview' },
    { whose: 'Bob', page: bobsList, kind: 'list' },
    b,
    { whose: 'Eve', page: eve, kind: 'public page' },
    d,
  ];
  const world: World = {
    headline: 'All Systems Operational',
    services: { Checkout: 'Operational', Search: 'Operational', Mail: 'Operational' },
    open: [],
    past: [],
  };
  /** One step: an action, and the state it leads to. */
  const step = (title: string, act: () => Promise<unknown>, change: Partial<World>) =>
    test.step(title, async () => {
      await act();
      await expectScreens(hands.isLive, screens, Object.assign(world, change));
    });

  await step('nothing has happened', async () => {}, {});
  for (const { page } of screens) await page.evaluate(() => Object.assign(window, { before: true }));

  const says = { Checkout: 'Major Outage', Search: 'Degraded' };
  const message = 'Cards are declined.';
  let first: ExpectedIncident = { title: FIRST, status: 'Investigating', newest: message, by: ADA, says };
  await step(
    'Ada opens an incident',
    async () => {
      await open(hands, ada, { title: FIRST, message, services: says });
      Object.assign(a, { kind: 'room', about: FIRST });
    },
    { headline: 'Partial System Outage', services: { ...world.services, ...says }, open: [first] },
  );
  await test.step('Bob opens its room, and Dan its page', async () => {
    await enter(hands, bobsRoom, FIRST);
    Object.assign(b, { kind: 'room', about: FIRST });
    await hands.press(dan.getByRole('main').getByRole('link', { name: FIRST, exact: true }).first());
    await dan.waitForURL(`**/public/${account.slug}/incidents/${new URL(ada.url()).pathname.split('/').pop()}`);
    await alive(dan);
    await dan.evaluate(() => Object.assign(window, { before: true }));
    Object.assign(d, { kind: 'permalink', about: FIRST });
    await expectScreens(hands.isLive, screens, world);
  });

  const better = { ...says, Checkout: 'Partial Outage' };
  first = {
    ...first,
    status: 'Identified',
    newest: 'It is the database. We roll back and watch.',
    by: BOB,
    says: better,
  };
  await step(
    'Bob has found it',
    () =>
      post(hands, bobsRoom, {
        status: 'Identified',
        message: 'It is **the database**. We\n\n- roll back\n- and watch.',
        services: { Checkout: 'Partial Outage' },
      }),
    { headline: 'Minor Service Outage', services: { ...world.services, ...better }, open: [first] },
  );
  await test.step('its Markdown is rendered everywhere', async () => {
    for (const page of [ada, bobsRoom, eve, dan]) {
      const said = page.locator('.timeline:not(.room-preview *) > li').first();
      await expect(said.locator('strong', { hasText: 'the database' })).toBeVisible();
      await expect(said.locator('.prose > ul > li')).toHaveText(['roll back', 'and watch.']);
      await expect(said.locator('.changes > li')).toHaveText([/^Checkout: Major Outage .*Partial Outage$/]);
    }
  });

  first = { ...first, status: 'Monitoring', newest: 'It is rolled bak.', by: ADA };
  await step(
    'Ada is watching it',
    () => post(hands, ada, { status: 'Monitoring', message: 'It is rolled bak.' }),
    { open: [first] },
  );

  first = { ...first, newest: 'It is rolled back.' };
  await step('Ada corrects herself', () => edit(hands, ada, 'It is rolled back.'), { open: [first] });
  await test.step('visitors can see earlier versions', async () => {
    for (const page of [eve, dan]) {
      const said = page.locator('.timeline > li').first();
      await hands.press(said.locator('summary', { hasText: /^Edited .*, show earlier versions$/ }));
      await expect(said.locator('.edits ol')).toHaveText(/^Until .*It is rolled bak\.\s*$/);
      await expect(said.locator('.edits ol')).toBeVisible();
      await expect(page.locator('.timeline .edits')).toHaveCount(1);
    }
  });

  let second: ExpectedIncident = {
    title: SECOND,
    status: 'Investigating',
    newest: 'Orders take a minute.',
    by: BOB,
    says: { Checkout: 'Degraded' },
  };
  await step(
    'Bob opens a second incident on the same service',
    async () => {
      await hands.press(bobsRoom.getByRole('navigation').getByRole('link', { name: 'Overview' }));
      await bobsRoom.waitForURL('**/dashboard');
      await open(hands, bobsRoom, { title: SECOND, message: second.newest, services: second.says });
      Object.assign(b, { about: SECOND });
    },
    { open: [second, first] },
  );

  // A resolved incident shows the worst status of its services.
  first = { ...first, status: 'Resolved', newest: 'Payments work again.', says };
  await step(
    'Ada resolves the first; the second still holds the service',
    () => resolve(hands, ada, 'Payments work again.'),
    {
      headline: 'Partially Degraded Service',
      services: { Checkout: 'Degraded', Search: 'Operational', Mail: 'Operational' },
      open: [second],
      past: [first],
    },
  );

  second = { ...second, status: 'Resolved', newest: 'This incident has been resolved.' };
  await step('Bob resolves the second, and everything is operational', () => resolve(hands, bobsRoom), {
    headline: 'All Systems Operational',
    services: { Checkout: 'Operational', Search: 'Operational', Mail: 'Operational' },
    open: [],
    past: [second, first],
  });

  const postmortem = (page: Page) => field(page, 'What happened, why, and what changes');
  first = { ...first, postmortem: { text: POSTMORTEM, isPublished: false } };
  await step(
    'Ada writes the postmortem; only members see it',
    async () => {
      await enter(hands, bobsRoom, FIRST);
      Object.assign(b, { about: FIRST });
      await hands.write(postmortem(ada), POSTMORTEM);
      // The preview comes shortly after the last key and moves what is below.
      if (hands.isLive) await expect(ada.locator('.postmortem-preview strong')).toHaveText('too small');
      await hands.send(button(ada, 'Save draft'));
    },
    { past: [second, first] },
  );
  for (const page of [ada, bobsRoom]) await expect(page.getByText('Not published. Only members see it.')).toBeVisible();
  for (const page of [eve, dan]) {
    await expect(page.getByText('Postmortem')).toHaveCount(0);
    expect(await (await page.request.get(page.url())).text()).not.toMatch(/Postmortem|too small/);
  }
  expect(sent.filter((frame) => frame.includes('too small')), 'sent to visitors').toEqual([]);

  first = { ...first, postmortem: { text: POSTMORTEM, isPublished: true } };
  await step('Ada publishes it', () => hands.send(button(ada, 'Publish')), { past: [second, first] });
  await expect(dan.getByRole('heading', { name: 'Postmortem' })).toBeVisible();
  await expect(dan.locator('#postmortem strong')).toHaveText('too small');

  if (hands.isLive) {
    expect(sent.join(), 'sent to visitors').toContain('too small');
    for (const page of [bob, bobsList, eve, dan]) {
      expect(await page.evaluate(() => 'before' in window), 'not reloaded').toBe(true);
    }
  }
  await hands.press(eve.getByRole('link', { name: `Postmortem of ${FIRST}` }));
  await eve.waitForURL(/#postmortem$/);
  await expect(eve.locator('#postmortem')).toBeInViewport();

  await test.step('the audit log shows who did what', async () => {
    await go(ada, '/settings/audit');
    const entries = ada.locator('.audit-entry', { hasText: FIRST });
    const audit = await entries.evaluateAll((entries) =>
      entries.map((entry) => [entry.querySelector('p > span'), entry.querySelector('bdi')].map((it) => it!.textContent)),
    );
    expect(audit.reverse()).toEqual(FIRST_AUDIT);
  });
}
