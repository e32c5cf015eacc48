// T5: stores every payload in every field of free text, opens every page that shows it in Chromium, and sees that
// nothing runs, no dialog opens, and the Content-Security-Policy has nothing to stop. Usage: node xss.mjs BINARY
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';
import { good, register, withServer } from '../server.mjs';
import { names, payloads } from './payloads.mjs';

/** Payloads an organization is given: it may have a hundred groups. */
const BATCH = 100;
/** Pages of single things opened of each batch. */
const SINGLE = Number(process.env.BATTERY_XSS_PAGES ?? 12);
const browsers = [process.env.CHROMIUM_PATH, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

await withServer('xss', {}, async (server) => {
  if (payloads.length < 300) throw new Error(`only ${payloads.length} payloads`);
  const executablePath = browsers.find((path) => path && existsSync(path));
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
  const problems = [];
  let pages = 0;
  try {
    await clean(server, browser, problems);
    for (let first = 0; first < payloads.length; first += BATCH) {
      const paths = await store(server, payloads.slice(first, first + BATCH), names.slice(first, first + BATCH));
      pages += await visit(browser, server, paths, problems);
    }
  } finally {
    await browser.close();
  }
  if (problems.length > 0) throw new Error(`${problems.length} problems:\n${problems.slice(0, 20).join('\n')}`);
  console.log(`${payloads.length} payloads in every field, ${pages} pages opened: nothing ran, no dialog, no breach of the policy`);
});

/** What is stored without any payload breaks the policy nowhere either. */
async function clean(server, browser, problems) {
  const paths = await store(server, ['All is **well**.'], ['Lighthouse']);
  await visit(browser, server, paths, problems);
}

async function store(server, texts, lines) {
  const team = await register(server.base, { organization_name: lines[0], name: lines[0] });
  const { call, slug } = team;
  const services = [];
  const incidents = [];
  const later = (hours) => new Date(Date.now() + hours * 3_600_000).toISOString();
  for (const [index, text] of texts.entries()) {
    const name = lines[index];
    const group = await good(call('POST', '/api/groups', { name }));
    const service = await good(call('POST', '/api/services', { name, description: text.slice(0, 500), group_id: group.id }));
    services.push(service.id);
    const incident = await good(
      call('POST', '/api/incidents', {
        title: name,
        message: text,
        services: [{ id: service.id, status: 'degraded' }],
      }),
    );
    incidents.push(incident.id);
    await good(call('POST', `/api/incidents/${incident.id}/updates`, { message: text, status: 'resolved' }));
    await good(call('PUT', `/api/incidents/${incident.id}`, { postmortem: text, publish_postmortem: true }));
    if (index % 10 === 0) {
      await good(call('POST', '/api/templates', { name, title: name, message: text }));
      await good(call('POST', '/api/tokens', { name, scope: 'read' }));
      const window = { starts_at: later(24 + index), ends_at: later(25 + index), service_ids: [service.id] };
      const planned = await good(call('POST', '/api/incidents', { title: name, message: text, incident_type: 'maintenance', ...window }));
      incidents.push(planned.id);
    }
    if (index % 25 === 0) {
      const open = { title: name, message: text, services: [{ id: service.id, status: 'major_outage' }] };
      await good(call('POST', '/api/incidents', open));
    }
  }
  const some = (ids) => ids.filter((_, index) => index % Math.ceil(ids.length / SINGLE) === 0);
  return {
    team,
    paths: [
      '/dashboard',
      '/services',
      '/incidents',
      '/incidents/new',
      '/incidents/past',
      '/incidents/templates',
      '/maintenances',
      '/maintenances/new',
      '/settings',
      `/incidents?q=${encodeURIComponent(texts[0])}`,
      `/login?next=${encodeURIComponent(texts[0])}`,
      `/public/${slug}`,
      `/public/${slug}/history`,
      ...some(services).map((id) => `/services/${id}`),
      ...some(incidents).flatMap((id) => [`/incidents/${id}`, `/public/${slug}/incidents/${id}`]),
    ],
  };
}

async function visit(browser, server, { team, paths }, problems) {
  const context = await browser.newContext();
  await context.addCookies([{ name: 'aldis', value: team.token, url: server.base }]);
  await context.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (breach) =>
      console.error(`breach of the policy: ${breach.effectiveDirective} ${breach.blockedURI} ${breach.sample}`),
    );
  });
  const page = await context.newPage();
  let here = '';
  page.on('dialog', (dialog) => {
    problems.push(`${here}: a dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('console', (message) => {
    if (/breach of the policy|Content Security Policy|hydrat/i.test(message.text())) problems.push(`${here}: ${message.text()}`);
  });
  page.on('pageerror', (error) => problems.push(`${here}: ${error}`));
  context.on('request', (request) => {
    if (!/^(data|blob):/.test(request.url()) && !request.url().startsWith(server.base)) problems.push(`${here}: asks ${request.url()}`);
  });
  for (const path of paths) {
    here = path;
    const answer = await page.goto(server.base + path);
    if (!answer || answer.status() >= 500) problems.push(`${path}: ${answer?.status()}`);
    // The client draws everything once more.
    if (await page.locator('html[data-page], #page-data, #incident-data').count()) {
      await page.locator('html.alive').waitFor({ state: 'attached', timeout: 30_000 });
    }
    for (const box of await page.locator('main details:not([open]) > summary').all()) {
      await box.click({ timeout: 500 }).catch(() => {});
    }
    const ran = await page.evaluate(() => {
      const links = [...document.querySelectorAll('a[href], form[action], [formaction]')].flatMap((element) =>
        ['href', 'action', 'formaction'].map((name) => element.getAttribute(name) ?? '').filter((to) => /^\s*(javascript|data|vbscript):/i.test(to)),
      );
      return { xss: window.__xss, links };
    });
    if (ran.xss !== undefined) problems.push(`${path}: something ran`);
    if (ran.links.length > 0) problems.push(`${path}: leads to ${ran.links[0]}`);
  }
  await context.close();
  return paths.length;
}
