// What every journey starts from: `import { test, expect } from './fixtures';`
//
// A test fails, whatever else it asserts, when a page it opens (in any context of the browser) writes a warning or an
// error to the console, throws, violates the Content-Security-Policy, mentions hydration, or asks another host for
// anything. What a test provokes on purpose it announces first: `expectConsole(/404/)`.

import { randomUUID } from 'node:crypto';
import { test as base, expect, type BrowserContext, type Page } from '@playwright/test';

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
  context: async ({ guard: _guard, context }, use) => use(context),
  expectConsole: async ({ guard }, use) => {
    await use((...patterns) => {
      guard.expected.push(...patterns);
    });
  },
});

/** A name nobody else uses, fit for a page address: `acme-1f3a9c42`. */
export function unique(prefix: string): string {
  return `${prefix}-${randomUUID().slice(0, 8)}`;
}

export type Registration = { organization: string; slug: string; name: string; email: string; password: string };

/** Creates an organization through the form at /register and arrives, signed in, at the dashboard. */
export async function register(page: Page, wish: Partial<Registration> = {}): Promise<Registration> {
  const slug = wish.slug ?? unique('org');
  const chosen: Registration = {
    organization: wish.organization ?? `Organization ${slug}`,
    slug,
    name: wish.name ?? 'Ada Lamp',
    email: wish.email ?? `${slug}@example.test`,
    password: wish.password ?? `signal-${randomUUID()}`,
  };
  await page.goto('/register');
  await page.getByLabel('Organization name', { exact: true }).fill(chosen.organization);
  await page.getByLabel('Page address', { exact: true }).fill(chosen.slug);
  await page.getByLabel('Your name', { exact: true }).fill(chosen.name);
  await page.getByLabel('Email', { exact: true }).fill(chosen.email);
  await page.getByLabel('Password', { exact: true }).fill(chosen.password);
  await page.getByRole('button', { name: 'Create organization' }).click();
  await page.waitForURL('**/dashboard');
  return chosen;
}
