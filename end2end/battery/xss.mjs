// T5 (docs/security.md), stored XSS: stores every payload in every free text field, opens every page and message that
// shows it in Chromium, and checks that no script runs, no dialog opens and the Content-Security-Policy blocks nothing.
//
// Usage: node xss.mjs BINARY. BATTERY_XSS_PAYLOADS limits the number of payloads.
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';
import { mailServer } from '../mailbox.mjs';
import { withServer } from '../server.mjs';
import { names, payloads } from './payloads.mjs';
import { forms } from './xss/forms.mjs';
import { addresses, invite, lists, organization, rename, store } from './xss/store.mjs';
import { Findings, read, visitor } from './xss/visitor.mjs';

const WISH = Number(process.env.BATTERY_XSS_PAYLOADS ?? payloads.length);
/** Payloads per organization, which may have fifty tokens. */
const BATCH = 30;
/** Organizations tested at the same time. */
const WORKERS = 2;
/** Refused forms and addresses tried per payload, in rotation. */
const FORMS = 3;
const ADDRESSES = 2;
const browsers = [process.env.CHROMIUM_PATH, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

const chosen = payloads.map((text, index) => [text, names[index]]).filter((_, index) => index % Math.max(1, Math.floor(payloads.length / WISH)) === 0);
const clean = [
  ['All is **well**, see [the page](https://example.test/).', 'Lighthouse'],
  ['- one\n- two\n\n> three', 'Harbour & sons'],
];
const figures = { forms: 0, addresses: 0, messages: 0 };
const mail = await mailServer();
const settings = { SMTP_URL: `smtp://127.0.0.1:${mail.port}`, ALDIS_MAIL_FROM: 'Aldis <status@example.test>' };

await withServer('xss', settings, async (server) => {
  if (payloads.length < 300) throw new Error(`only ${payloads.length} payloads`);
  const executablePath = browsers.find((path) => path && existsSync(path));
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
  const findings = new Findings();
  const began = performance.now();
  try {
    await control(browser, server);
    const logged = () => server.log().split('\n').filter((line) => /violation of the Content-Security-Policy/.test(line)).length;
    const planted = logged();
    if (planted === 0) throw new Error('the planted violation is not in the log');
    await testOrganization(browser, server, clean, findings, true);
    const breaches = logged() - planted;
    if (findings.reports + breaches > 0) findings.add('clean data', `${findings.reports} reports, ${breaches} in the log`);
    const before = findings.pages;
    const batches = Array.from({ length: Math.ceil(chosen.length / BATCH) }, (_, n) => chosen.slice(n * BATCH, (n + 1) * BATCH));
    await Promise.all(
      Array.from({ length: WORKERS }, async (_, worker) => {
        // Alternately with the policy, which reports violations, and without it, where scripts would run.
        while (batches.length > 0) await testOrganization(browser, server, batches.shift(), findings, (batches.length + worker) % 2 === 0);
      }),
    );
    await readAll(browser, findings);
    if (findings.problems.length > 0) {
      throw new Error(`${findings.problems.length} problems:\n${findings.problems.slice(0, 20).join('\n')}`);
    }
    console.log(
      `${chosen.length} payloads in every field: ${findings.pages - before} pages, ${figures.forms} refused forms and ` +
        `${figures.addresses} addresses among them, and ${figures.messages} messages opened in ` +
        `${Math.round((performance.now() - began) / 1000)} s; 0 ran, 0 dialogs, 0 breaches; ` +
        `on clean data ${before} pages, 0 reports`,
    );
  } finally {
    await browser.close();
  }
});
mail.close();

/** Self-test: planted scripts and links must be found. */
async function control(browser, server) {
  for (const hasPolicy of [true, false]) {
    const findings = new Findings();
    const who = await visitor(browser, server.base, findings, { hasPolicy });
    await who.open('/login');
    if (findings.problems.length > 0) throw new Error(`at the login: ${findings.problems[0]}`);
    await who.plant();
    await who.close();
    const found = findings.problems.join('\n');
    const looked = [/leads to javascript/, hasPolicy ? /breach of the policy/ : /something ran/];
    for (const pattern of looked) if (!pattern.test(found)) throw new Error(`planted code is not found: ${pattern}\n${found}`);
    if (hasPolicy !== findings.reports > 0) throw new Error(`${findings.reports} reports of planted code`);
  }
  const findings = new Findings();
  const page = await browser.newPage();
  await read(page, { to: 'nobody', subject: '', text: '', html: '<img src=x onerror=window.__xss=1>' }, findings);
  await page.close();
  if (findings.problems.length !== 1) throw new Error('code planted in a message is not found');
}

/** Tests one organization: stores payloads while its pages are open, then opens everything that shows them. */
async function testOrganization(browser, server, batch, findings, hasPolicy) {
  const [texts, lines] = [batch.map(([text]) => text), batch.map(([, line]) => line)];
  const team = await organization(server, lines[0]);
  const meet = (options) => visitor(browser, server.base, findings, { hasPolicy, ...options });
  const member = await meet({ session: team.token });
  const stranger = await meet();
  const still = await meet({ session: team.token, hasClient: false });
  const outsider = await meet({ hasClient: false });

  // Live updates of an open page are rendered by the client alone.
  await member.open('/dashboard');
  await stranger.open(`/public/${team.slug}`);
  const things = await store(team, texts, lines);
  for (const who of [member, stranger]) await who.look(await who.page.request.get(server.base));
  await team.form('account/begin_second_factor', {});

  for (const path of lists(team, texts[0])) {
    await member.open(path);
    for (let next = await member.next(); next; next = await member.next()) await member.open(next);
  }
  const open = { forms: 0, addresses: 0 };
  await outsider.open('/login');
  await still.open('/logout');
  for (const [index, thing] of things.entries()) {
    const [text, line] = batch[index];
    await rename(team, line);
    const invitation = await invite(team, `invited-${index}-${team.slug}@example.test`);
    await member.open(`/incidents/${thing.incident}`);
    await stranger.open(`/public/${team.slug}/incidents/${thing.incident}`);
    await member.open(`/services/${thing.service}`);
    await stranger.open(invitation);
    await still.open(`/incidents/new?template=${thing.template}`);
    await still.open(`/incidents/${thing.maintenance}`);
    await outsider.open(`/public/${team.slug}/incidents/${thing.maintenance}`);

    const refused = forms(thing, invitation, text, line);
    for (let n = 0; n < FORMS; n += 1) {
      const form = refused[(index * FORMS + n) % refused.length];
      const isOfMember = refused.indexOf(form) >= 6;
      await typed(isOfMember ? still : outsider, form, findings);
      open.forms += 1;
    }
    const places = addresses(team, text);
    for (let n = 0; n < ADDRESSES; n += 1) {
      const place = places[(index * ADDRESSES + n) % places.length];
      await (n % 2 ? still : outsider).open(place);
      open.addresses += 1;
    }
  }
  figures.forms += open.forms;
  figures.addresses += open.addresses;
  for (const who of [member, stranger, still, outsider]) await who.close();
}

/** Sends a form that is refused, which must show what was typed again, as text. */
async function typed(who, form, findings) {
  const [, , fields] = form;
  const back = await who.send(form);
  const plain = (text) => text.replace(/\s+/g, '');
  const kept = Object.entries(fields).filter(([name, value]) => value.length > 1 && !/password|token|next|^id$|_id$/.test(name));
  if (kept.length > 0 && !kept.some(([, value]) => plain(back).includes(plain(value)))) {
    findings.add(who.here, 'what was typed is not shown again');
  }
}

/** Opens all messages sent. */
async function readAll(browser, findings) {
  const page = await browser.newPage();
  for (const message of mail.messages) await read(page, message, findings);
  await page.close();
  figures.messages = mail.messages.length;
  if (figures.messages < chosen.length) findings.add('mail', `only ${figures.messages} messages arrived`);
}
