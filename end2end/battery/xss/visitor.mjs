// Somebody who opens pages in Chromium and sees whether anything on them runs that should be text.

/** Long enough for a debug build of the client. */
const ALIVE_MS = 60_000;

/** What is wrong with the pages that were opened, where, and how many they were. */
export class Findings {
  problems = [];
  /** Reports that the browser sent of breaches of the policy. */
  reports = 0;
  pages = 0;

  add(where, what) {
    this.problems.push(`${where}: ${what}`);
  }
}

/**
 * A page in a context of its own, of who has this session. Where the policy is off, whatever comes through runs; where it
 * is on, whatever comes through is told, also what would run only later. Without the client, the server's page alone is
 * seen, in less time.
 */
export async function visitor(browser, base, findings, { session, hasPolicy = true, hasClient = true } = {}) {
  const context = await browser.newContext({ bypassCSP: !hasPolicy });
  if (session) await context.addCookies([{ name: 'aldis', value: session, url: base }]);
  await context.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (breach) =>
      console.error(`breach of the policy: ${breach.effectiveDirective} ${breach.blockedURI} ${breach.sample}`),
    );
  });
  if (!hasClient) await context.route('**/*.{wasm,woff2}', (route) => route.abort());
  const page = await context.newPage();
  return new Visitor(context, page, base, findings, hasClient);
}

class Visitor {
  here = '';

  constructor(context, page, base, findings, hasClient) {
    Object.assign(this, { context, page, base, findings, hasClient });
    page.on('dialog', (dialog) => {
      findings.add(this.here, `a dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    page.on('console', (message) => {
      const text = message.text();
      if (/breach of the policy|Content Security Policy|hydrat/i.test(text)) findings.add(this.here, text);
    });
    page.on('pageerror', (error) => hasClient && findings.add(this.here, `${error}`));
    context.on('page', (other) => other !== page && findings.add(this.here, `a window: ${other.url()}`));
    context.on('request', (request) => {
      const address = request.url();
      if (new URL(address).pathname === '/csp-report') findings.reports += 1;
      if (!/^(data|blob|about):/.test(address) && !address.startsWith(base)) findings.add(this.here, `asks ${address}`);
    });
  }

  /** Opens a page of the server. */
  async open(path) {
    this.here = path.slice(0, 200);
    const answer = await this.page.goto(this.base + path, { waitUntil: 'domcontentloaded' });
    await this.look(answer);
  }

  /** Sends a plain form from the page it stands on, and looks at the page that comes back. */
  async send([from, name, fields]) {
    this.here = `${name} on ${from}`.slice(0, 200);
    // The server goes by the address that the browser says it comes from.
    await this.page.evaluate((from) => history.replaceState(null, '', from), from);
    const [answer] = await Promise.all([
      this.page.waitForNavigation({ waitUntil: 'domcontentloaded' }),
      this.page.evaluate(
        ([action, fields]) => {
          const form = Object.assign(document.createElement('form'), { method: 'post', action });
          for (const [name, value] of fields) form.append(Object.assign(document.createElement('textarea'), { name, value }));
          document.body.append(form);
          form.submit();
        },
        [`/fn/aldis/app/server_fns/${name}`, Object.entries(fields)],
      ),
    ]);
    if (!answer || answer.status() < 400) this.findings.add(this.here, `was to be refused: ${answer?.status()}`);
    await this.look(answer);
    return this.page.evaluate(() => [...document.querySelectorAll('main input, main textarea')].map(({ value }) => value).join('\n'));
  }

  /** The addresses on this page that lead to the rest of its list. */
  async next() {
    const link = this.page.getByRole('link', { name: 'Next page' });
    return (await link.count()) > 0 ? link.getAttribute('href') : null;
  }

  /** Whether what the page shows is text: nothing ran, and nothing is a link to code. */
  async look(answer) {
    this.findings.pages += 1;
    if (!answer || answer.status() >= 500) this.findings.add(this.here, `answered with ${answer?.status()}`);
    // The client draws everything once more.
    if (this.hasClient && (await this.page.locator('html[data-page], #page-data, #incident-data, #month-data').count()) > 0) {
      await this.page.locator('html.alive').waitFor({ state: 'attached', timeout: ALIVE_MS });
    }
    const { ran, links } = await this.page.evaluate(async () => {
      for (const fold of document.querySelectorAll('details')) fold.open = true;
      await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
      const places = [...document.querySelectorAll('[href], [src], form[action], [formaction], [xlink\\:href]')];
      const addresses = places.flatMap((element) =>
        ['href', 'src', 'action', 'formaction', 'xlink:href'].map((name) => element.getAttribute(name) ?? ''),
      );
      return {
        ran: window.__xss !== undefined,
        links: addresses.filter((address) => /^[\s\u0000-\u0020]*(javascript|vbscript|data:text)/i.test(address)),
      };
    });
    if (ran) this.findings.add(this.here, 'something ran');
    if (links.length > 0) this.findings.add(this.here, `leads to ${links[0]}`);
  }

  /** Puts something onto the page that is no text, to see that it is found. */
  async plant() {
    await this.page.evaluate(() => {
      const link = '<a href="javascript:window.__xss=1">x</a>';
      document.body.insertAdjacentHTML('beforeend', `${link}<img src="/x" onerror="window.__xss=1">`);
      return new Promise((resolve) => document.images[document.images.length - 1].addEventListener('error', () => setTimeout(resolve)));
    });
    await this.look(await this.page.request.get(this.base));
  }

  close() {
    return this.context.close();
  }
}

/** Opens a letter's parts as a mail program would that stops at nothing. */
export async function read(page, { to, subject, text, html }, findings) {
  for (const [kind, body] of [['html', html], ['plain', text]]) {
    await page.goto(`data:text/${kind};charset=utf-8;base64,${Buffer.from(body).toString('base64')}`);
    const ran = await page.evaluate(async () => {
      await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
      const links = [...document.querySelectorAll('[href]')].map((link) => link.getAttribute('href'));
      return window.__xss !== undefined || links.some((link) => !/^https?:/.test(link));
    });
    if (ran) findings.add(`the letter to ${to} (${kind}, ${subject})`, 'something ran, or leads to no page');
  }
}
