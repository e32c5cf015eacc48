// Opens pages in Chromium and checks that no text on them runs as code.

/** Long enough for a debug build of the client. */
const ALIVE_MS = 60_000;

/** The problems found, and the number of pages opened. */
export class Findings {
  problems = [];
  /** Number of Content-Security-Policy reports that the browser sent. */
  reports = 0;
  pages = 0;

  add(where, what) {
    this.problems.push(`${where}: ${what}`);
  }
}

/**
 * A page in a browser context of its own, with this session. Without the policy, injected code would run; with it, the
 * browser reports injected code, even what would run later. Without the client only server-rendered HTML is tested,
 * which is faster.
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

  /** Submits a plain form from a page, and checks the page that comes back. */
  async send([from, name, fields]) {
    this.here = `${name} on ${from}`.slice(0, 200);
    // The server uses the Referer.
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

  /** The address of the list's next page, if any. */
  async next() {
    const link = this.page.getByRole('link', { name: 'Next page' });
    return (await link.count()) > 0 ? link.getAttribute('href') : null;
  }

  /** Checks that no code ran and that no link leads to code. */
  async look(answer) {
    this.findings.pages += 1;
    if (!answer || answer.status() >= 500) this.findings.add(this.here, `answered with ${answer?.status()}`);
    // The client renders everything again.
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

  /** Plants code on the page, for the self-test. */
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

/** Opens the parts of a message as a mail program without any protection would. */
export async function read(page, { to, subject, text, html }, findings) {
  for (const [kind, body] of [['html', html], ['plain', text]]) {
    await page.goto(`data:text/${kind};charset=utf-8;base64,${Buffer.from(body).toString('base64')}`);
    const ran = await page.evaluate(async () => {
      await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
      const links = [...document.querySelectorAll('[href]')].map((link) => link.getAttribute('href'));
      return window.__xss !== undefined || links.some((link) => !/^https?:/.test(link));
    });
    if (ran) findings.add(`the message to ${to} (${kind}, ${subject})`, 'code ran, or a link leads elsewhere than to a page');
  }
}
