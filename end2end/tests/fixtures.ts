// Fixtures of all browser tests: `import { test, expect } from './fixtures';`
//
// A test fails, whatever else it asserts, if a page in any browser context logs a warning or an error, throws, violates
// the Content-Security-Policy, mentions hydration, or sends a request to another host. Expected messages are declared:
// `expectConsole(/404/)`.

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
  /** Declares console messages that this test provokes; matching ones do not fail it. */
  expectConsole: (...patterns: RegExp[]) => void;
  guard: Guard;
};

class Guard {
  readonly problems: string[] = [];
  readonly expected: RegExp[] = [];

  constructor(private readonly host: string) {}

  watch(context: BrowserContext) {
    // The event has more details than the browser's own console message, which is all there is without JavaScript.
    void context
      .addInitScript(() => {
        document.addEventListener('securitypolicyviolation', (violation) => {
          console.error(
            `securitypolicyviolation: ${violation.effectiveDirective} blocked ${violation.blockedURI} ` +
              `at ${violation.sourceFile}:${violation.lineNumber}`,
          );
        });
      })
      .catch(() => {}); // the context may be closed already
    context.on('console', (message) => {
      const bad = ['error', 'warning', 'assert'].includes(message.type()) || /hydrat/i.test(message.text());
      if (!bad) return;
      const { url } = message.location();
      const text = `console ${message.type()}: ${message.text()}${url ? ` (${url})` : ''}`;
      // Matched after the test, so that messages can be declared late.
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
      expect(guard.unexpected(), 'console messages and requests').toEqual([]);
    },
    { auto: true },
  ],
  // Depends on the guard so that it exists before the test's own context.
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

// --- Secrets --------------------------------------------------------------------------------------------------------
//
// The server logs everything during the tests, and its log is searched for secrets afterwards
// (scripts/checks/secrets.mjs): for typed ones by their prefix, for issued ones by the list written here.

/** Prefix of every secret that a test types. */
const TYPED = 'canary-';

/** A unique password. */
export const password = (): string => TYPED + randomUUID();

/** A password of no account. */
export const WRONG_PASSWORD = `${TYPED}not-the-password`;

/** Records a secret issued by the server, for the search of its log. */
export function keepSecret(...secrets: string[]): void {
  const list = process.env.ALDIS_TEST_SECRETS;
  if (list) for (const secret of secrets) appendFileSync(list, `${secret}\n`);
}

async function keepCookies(browser: Browser): Promise<void> {
  const cookies = await Promise.all(browser.contexts().map((context) => context.cookies().catch(() => [])));
  keepSecret(...cookies.flat().flatMap(({ name, value }) => (name.includes('aldis') && value ? value : [])));
}

/** A unique name that is valid as a page address: `acme-1f3a9c42`. */
export function unique(prefix: string): string {
  return `${prefix}-${randomUUID().slice(0, 8)}`;
}

// --- Navigation -----------------------------------------------------------------------------------------------------

const hasJavaScript = () => test.info().project.name === 'hydrated';

/** Waits until the page is hydrated, in projects with JavaScript. The API documentation and the 404 pages are plain
 * HTML without a client. */
export async function alive(page: Page): Promise<void> {
  const data = page.locator('html[data-page], #page-data, #incident-data, #month-data');
  if (!hasJavaScript() || (await data.count()) === 0) return;
  await expect(page.locator('html.alive'), 'the client runs').toBeAttached({ timeout: 20_000 });
}

/** Delays the client of this page until the returned function is called, for tests of a page before hydration. */
export async function holdClient(page: Page): Promise<() => void> {
  let release = () => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  await page.route('**/*.wasm', async (route) => {
    await held;
    await route.continue();
  });
  return release;
}

/** Opens a page and waits until it is hydrated. */
export async function go(page: Page, path: string): Promise<Response | null> {
  const response = await page.goto(path);
  await alive(page);
  return response;
}

/** A page in a browser context of its own, as another person or device. Closed with the test's context. */
export async function stranger(page: Page, options: BrowserContextOptions = {}): Promise<Page> {
  const context = await page.context().browser()!.newContext(options);
  page.context().once('close', () => void context.close().catch(() => {}));
  return context.newPage();
}

// --- Organizations --------------------------------------------------------------------------------------------------

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

/** Fills in the form at /register, which must be open already. */
export async function fillRegistration(page: Page, chosen: Registration): Promise<void> {
  await page.getByLabel('Organization name', { exact: true }).fill(chosen.organization);
  await page.getByLabel('Page address', { exact: true }).fill(chosen.slug);
  await page.getByLabel('Your name', { exact: true }).fill(chosen.name);
  await page.getByLabel('Email', { exact: true }).fill(chosen.email);
  await page.getByLabel('Password', { exact: true }).fill(chosen.password);
}

/** Creates an organization through the form at /register and ends, logged in, on the dashboard. */
export async function register(page: Page, wish: Partial<Registration> = {}): Promise<Registration> {
  const chosen = registration(wish);
  await go(page, '/register');
  await fillRegistration(page, chosen);
  await page.getByRole('button', { name: 'Create organization' }).click();
  await page.waitForURL('**/dashboard');
  await alive(page);
  return chosen;
}

/** Creates an organization by a request and logs this page's context in, without opening a page: fast, for tests of
 * something else. */
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

/** Logs in through the form and ends on the dashboard, or where `path` leads. */
export async function logIn(page: Page, { email, password }: Registration, path = '/login'): Promise<void> {
  await go(page, path);
  await page.getByLabel('Email', { exact: true }).fill(email);
  await page.getByLabel('Password', { exact: true }).fill(password);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.waitForURL((url) => url.pathname !== '/login');
  await alive(page);
}

// --- The REST API, as the logged-in member --------------------------------------------------------------------------

export type Service = { id: string; name: string; status: string };
export type Wish = { name: string; description?: string; group_id?: string; status?: string };

const own = () => ({ origin: new URL(test.info().project.use.baseURL ?? '').origin });

/** Adds a service through the API. */
export async function addService(page: Page, wish: Wish | string): Promise<Service> {
  return create(page, '/api/services', typeof wish === 'string' ? { name: wish } : wish);
}

/** Adds a group through the API. */
export async function addGroup(page: Page, name: string): Promise<{ id: string }> {
  return create(page, '/api/groups', { name });
}

async function create<T>(page: Page, path: string, data: object): Promise<T> {
  const response = await page.request.post(path, { data, headers: own() });
  expect(response.status(), await response.text()).toBe(201);
  return (await response.json()) as T;
}

/** Sets a service's status through the API. */
export async function setStatus(page: Page, { id }: { id: string }, status: string): Promise<void> {
  const response = await page.request.put(`/api/services/${id}`, { data: { status }, headers: own() });
  expect(response.status(), await response.text()).toBe(200);
}

// --- Locators and constants -----------------------------------------------------------------------------------------

/** The status control of a service. */
export const statusOf = (page: Page, service: string): Locator =>
  page.getByRole('combobox', { name: `Status of ${service}`, exact: true });

/** The list item of a service. */
export const row = (page: Page, service: string): Locator =>
  page.getByRole('main').getByRole('listitem').filter({ hasText: service });

/** The names of the services on /services or the dashboard, top to bottom. */
export const namesOf = (page: Page): Promise<string[]> =>
  page.locator('main li.row').evaluateAll((rows) => rows.map((row) => row.querySelector('a')!.textContent!.trim()));

/** The year of planned maintenance, always in the future. */
export const NEXT_YEAR = new Date().getUTCFullYear() + 1;

/** Time limit for live updates, on a machine busy with other tests. The real latency is measured by `make bench`. */
export const SOON = 10_000;

/** The browser's console message about a 4xx response. */
export const REFUSED = /Failed to load resource: the server responded with a status of 4\d\d/;

/** Resolves with the time at which `text` appears in the element. Call it before the change. Observed within the page,
 * as polling is slower than what is measured. */
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
