// What every journey starts from: `import { test, expect } from './fixtures';`
//
// A test fails, whatever else it asserts, when a page it opens (in any context of the browser) writes a warning or an
// error to the console, throws, violates the Content-Security-Policy, mentions hydration, or asks another host for
// anything. What a test provokes on purpose it announces first: `expectConsole(/404/)`.

import { randomUUID } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import {
  test as base,
  type Browser,
  expect,
  type BrowserContext,
  type BrowserContextOptions,
  type Locator,
  type Page,
  type Response,
} from '@playwright/test';

export { expect };

type Fixtures = {
  /** Announces console messages that this test provokes: those matching do not fail it. */
  expectConsole: (...patterns: RegExp[]) => void;
  guard: Guard;
};

class Guard {
  readonly problems: string[] = [];
  readonly expected: RegExp[] = [];

  constructor(private readonly host: string) {}

  watch(context: BrowserContext) {
    // The event tells more than the console's text, and the console is where everything is collected. Where the test
    // runs without JavaScript, this does nothing, and the browser's own text remains.
    void context
      .addInitScript(() => {
        document.addEventListener('securitypolicyviolation', (violation) => {
          console.error(
            `securitypolicyviolation: ${violation.effectiveDirective} blocked ${violation.blockedURI} ` +
              `at ${violation.sourceFile}:${violation.lineNumber}`,
          );
        });
      })
      .catch(() => {}); // a context that is closed at once
    context.on('console', (message) => {
      const bad = ['error', 'warning', 'assert'].includes(message.type()) || /hydrat/i.test(message.text());
      if (!bad) return;
      const { url } = message.location();
      const text = `console ${message.type()}: ${message.text()}${url ? ` (${url})` : ''}`;
      // Matched when the test is over, so that announcing may come late.
      this.problems.push(text);
    });
    context.on('weberror', (webError) => {
      const error = webError.error();
      this.problems.push(`uncaught: ${error.stack ?? error.message}`);
    });
    context.on('request', (request) => this.visit(request.url()));
    context.on('page', (page) => page.on('websocket', (socket) => this.visit(socket.url())));
  }

  unexpected(): string[] {
    return this.problems.filter((problem) => !this.expected.some((pattern) => pattern.test(problem)));
  }

  private visit(address: string) {
    const url = new URL(address);
    const remote = ['http:', 'https:', 'ws:', 'wss:'].includes(url.protocol);
    if (remote && url.host !== this.host) this.problems.push(`request to another host: ${address}`);
  }
}

export const test = base.extend<Fixtures>({
  guard: [
    async ({ browser, baseURL }, use) => {
      const guard = new Guard(new URL(baseURL ?? '').host);
      const watch = (context: BrowserContext) => guard.watch(context);
      browser.on('context', watch);
      await use(guard);
      browser.off('context', watch);
      expect(guard.unexpected(), 'what the browser complained about').toEqual([]);
    },
    { auto: true },
  ],
  // Named so that the guard is there before the test's own context is made.
  context: async ({ browser, guard: _guard, context }, use) => {
    await use(context);
    await keepCookies(browser);
  },
  expectConsole: async ({ guard }, use) => {
    await use((...patterns) => {
      guard.expected.push(...patterns);
    });
  },
});

// --- Secrets ---------------------------------------------------------------------------------------------------------
//
// The server logs everything while the journeys run, and afterwards its log is searched (scripts/checks/secrets.mjs):
// for what they type, by how it begins, and for what they are given, by the list that is kept here.

/** How every secret begins that a journey types. */
const TYPED = 'canary-';

/** A password nobody else has. */
export const password = (): string => TYPED + randomUUID();

/** A password that opens nothing. */
export const WRONG_PASSWORD = `${TYPED}not-the-password`;

/** Writes down a secret that the server has given out, for the search through its log. */
export function keepSecret(...secrets: string[]): void {
  const list = process.env.ALDIS_TEST_SECRETS;
  if (list) for (const secret of secrets) appendFileSync(list, `${secret}\n`);
}

async function keepCookies(browser: Browser): Promise<void> {
  const cookies = await Promise.all(browser.contexts().map((context) => context.cookies().catch(() => [])));
  keepSecret(...cookies.flat().flatMap(({ name, value }) => (name.includes('aldis') && value ? value : [])));
}

/** A name nobody else uses, fit for a page address: `acme-1f3a9c42`. */
export function unique(prefix: string): string {
  return `${prefix}-${randomUUID().slice(0, 8)}`;
}

// --- Going about -----------------------------------------------------------------------------------------------------

const hasJavaScript = () => test.info().project.name === 'hydrated';

/** Waits until the client runs, where it can: before that, what a test does with the page may go either way. The API's
 * documentation and the pages that say "not found" are plain HTML and have none. */
export async function alive(page: Page): Promise<void> {
  const data = page.locator('html[data-page], #page-data, #incident-data, #month-data');
  if (!hasJavaScript() || (await data.count()) === 0) return;
  await expect(page.locator('html.alive'), 'the client runs').toBeAttached({ timeout: 20_000 });
}

/** Keeps the client from this page until it is released: what a page does before it is alive. */
export async function holdClient(page: Page): Promise<() => void> {
  let release = () => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  await page.route('**/*.wasm', async (route) => {
    await held;
    await route.continue();
  });
  return release;
}

/** Opens a page and waits until it is alive. */
export async function go(page: Page, path: string): Promise<Response | null> {
  const response = await page.goto(path);
  await alive(page);
  return response;
}

/** A page in a context of its own: another person, or another device. Closed with the test's browser context. */
export async function stranger(page: Page, options: BrowserContextOptions = {}): Promise<Page> {
  const context = await page.context().browser()!.newContext(options);
  page.context().once('close', () => void context.close().catch(() => {}));
  return context.newPage();
}

// --- Organizations ---------------------------------------------------------------------------------------------------

export type Registration = { organization: string; slug: string; name: string; email: string; password: string };

function registration(wish: Partial<Registration>): Registration {
  const slug = wish.slug ?? unique('org');
  return {
    organization: wish.organization ?? `Organization ${slug}`,
    slug,
    name: wish.name ?? 'Ada Lamp',
    email: wish.email ?? `${slug}@example.test`,
    password: wish.password ?? password(),
  };
}

/** Fills in the form at /register, which must be open. */
export async function fillRegistration(page: Page, chosen: Registration): Promise<void> {
  await page.getByLabel('Organization name', { exact: true }).fill(chosen.organization);
  await page.getByLabel('Page address', { exact: true }).fill(chosen.slug);
  await page.getByLabel('Your name', { exact: true }).fill(chosen.name);
  await page.getByLabel('Email', { exact: true }).fill(chosen.email);
  await page.getByLabel('Password', { exact: true }).fill(chosen.password);
}

/** Creates an organization through the form at /register and arrives, signed in, at the dashboard. */
export async function register(page: Page, wish: Partial<Registration> = {}): Promise<Registration> {
  const chosen = registration(wish);
  await go(page, '/register');
  await fillRegistration(page, chosen);
  await page.getByRole('button', { name: 'Create organization' }).click();
  await page.waitForURL('**/dashboard');
  await alive(page);
  return chosen;
}

/** Creates an organization by the form's request alone and signs this page's context in: quick, for tests of something
 * else. Opens no page. */
export async function signUp(page: Page, wish: Partial<Registration> = {}): Promise<Registration> {
  const chosen = registration(wish);
  const { organization: organization_name, ...rest } = chosen;
  const response = await page.request.post('/fn/aldis/app/server_fns/register', {
    form: { organization_name, ...rest },
    headers: { ...own(), accept: 'text/html' },
    maxRedirects: 0,
  });
  expect(response.status(), await response.text()).toBe(303);
  return chosen;
}

/** Logs in through the form and arrives at the dashboard, or where `path` was to lead. */
export async function logIn(page: Page, { email, password }: Registration, path = '/login'): Promise<void> {
  await go(page, path);
  await page.getByLabel('Email', { exact: true }).fill(email);
  await page.getByLabel('Password', { exact: true }).fill(password);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.waitForURL((url) => url.pathname !== '/login');
  await alive(page);
}

// --- The REST API, as the person signed in ---------------------------------------------------------------------------

export type Service = { id: string; name: string; status: string };
export type Wish = { name: string; description?: string; group_id?: string; status?: string };

const own = () => ({ origin: new URL(test.info().project.use.baseURL ?? '').origin });

/** Adds a service without any page. */
export async function addService(page: Page, wish: Wish | string): Promise<Service> {
  return create(page, '/api/services', typeof wish === 'string' ? { name: wish } : wish);
}

/** Adds a group without any page. */
export async function addGroup(page: Page, name: string): Promise<{ id: string }> {
  return create(page, '/api/groups', { name });
}

async function create<T>(page: Page, path: string, data: object): Promise<T> {
  const response = await page.request.post(path, { data, headers: own() });
  expect(response.status(), await response.text()).toBe(201);
  return (await response.json()) as T;
}

/** Sets a service's status without any page. */
export async function setStatus(page: Page, { id }: { id: string }, status: string): Promise<void> {
  const response = await page.request.put(`/api/services/${id}`, { data: { status }, headers: own() });
  expect(response.status(), await response.text()).toBe(200);
}

// --- What stands on a page -------------------------------------------------------------------------------------------

/** The control of a service's status. */
export const statusOf = (page: Page, service: string): Locator =>
  page.getByRole('combobox', { name: `Status of ${service}`, exact: true });

/** The list item of a service. */
export const row = (page: Page, service: string): Locator =>
  page.getByRole('main').getByRole('listitem').filter({ hasText: service });

/** The names of the services on /services or the dashboard, top to bottom. */
export const namesOf = (page: Page): Promise<string[]> =>
  page.locator('main li.row').evaluateAll((rows) => rows.map((row) => row.querySelector('a')!.textContent!.trim()));

/** The year of what is planned: next year's, so that it lies ahead whenever a test runs. */
export const NEXT_YEAR = new Date().getUTCFullYear() + 1;

/** How soon every screen must have followed, on a machine that is busy with other tests besides. How soon it does is
 * measured elsewhere. */
export const SOON = 10_000;

/** What a browser says of an answer between 400 and 499, and of nothing else. */
export const REFUSED = /Failed to load resource: the server responded with a status of 4\d\d/;

/** The moment, on this machine's clock, at which `text` stands in the element; resolves with it. Set before the change.
 * Told by the page itself, since asking it again and again is slower than what is measured. */
export async function whenShown(page: Page, selector: string, text: string): Promise<() => Promise<number>> {
  await page.evaluate(
    ([selector, text]) => {
      const shown = () => document.querySelector(selector!)?.textContent?.includes(text!) ?? false;
      (window as unknown as { seen: Promise<number> }).seen = new Promise((resolve) => {
        const look = () => {
          if (!shown()) return;
          observer.disconnect();
          resolve(Date.now());
        };
        const observer = new MutationObserver(look);
        observer.observe(document, { subtree: true, childList: true, characterData: true, attributes: true });
        look();
      });
    },
    [selector, text],
  );
  return () => page.evaluate(() => (window as unknown as { seen: Promise<number> }).seen);
}
