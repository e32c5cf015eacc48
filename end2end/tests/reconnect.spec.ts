// The connection to the server is lost; the page never goes back to an older state and catches up without a reload.

import type { Page, WebSocketRoute } from '@playwright/test';
import { addService, expect, go, row, setStatus, signUp, statusOf, stranger, test, whenShown } from './fixtures';

/** The page's WebSocket connection, under the test's control. */
class Connection {
  private constructor(private isCut = false, private readonly open: WebSocketRoute[] = []) {}

  static async of(page: Page, onFrame?: (text: string, deliver: (text: string) => void) => void): Promise<Connection> {
    const connection = new Connection();
    await page.routeWebSocket(/\/live\b/, (socket) => {
      if (connection.isCut) return void socket.close({ code: 1001 });
      const server = socket.connectToServer();
      connection.open.push(socket);
      if (onFrame) server.onMessage((text) => onFrame(String(text), (text) => socket.send(text)));
    });
    return connection;
  }

  async cut() {
    this.isCut = true;
    for (const socket of this.open.splice(0)) await socket.close({ code: 1001 });
  }

  restore() {
    this.isCut = false;
  }
}

/** Records every status that the page shows for its only service. */
async function record(page: Page) {
  await page.evaluate(() => {
    const shown: string[] = [];
    const look = () => {
      const status = document.querySelector('main svg.status-icon[data-status]')!.getAttribute('data-status')!;
      if (shown.at(-1) !== status) shown.push(status);
    };
    look();
    new MutationObserver(look).observe(document.body, { subtree: true, childList: true, attributes: true });
    Object.assign(window, { shown });
  });
  return () => page.evaluate(() => (window as unknown as { shown: string[] }).shown);
}

test('UI-13 the public page survives a lost connection and catches up without a reload', async ({ page }) => {
  const { slug } = await signUp(page);
  const api = await addService(page, 'API');
  const visitor = await stranger(page);
  await visitor.clock.install();
  const connection = await Connection.of(visitor);
  await go(visitor, `/public/${slug}`);
  const mark = visitor.getByRole('banner');
  await expect(mark).toContainText('Live');
  const shown = await record(visitor);
  await setStatus(page, api, 'degraded');
  await expect(row(visitor, 'API')).toContainText('Degraded');

  await connection.cut();
  await expect(mark).toContainText('Reconnecting…');
  // The page stays readable in the meantime.
  await expect(row(visitor, 'API')).toContainText('Degraded');
  await setStatus(page, api, 'partial_outage');
  await setStatus(page, api, 'major_outage');
  const web = await addService(page, 'Web');
  await setStatus(page, web, 'under_maintenance');
  await expect(mark).toContainText('Reconnecting…');
  await expect(row(visitor, 'API')).toContainText('Degraded');

  connection.restore();
  // The page reconnects by itself, with increasing backoff.
  await expect(async () => {
    await visitor.clock.fastForward(5_000);
    await expect(mark).toContainText('Live', { timeout: 1_000 });
  }).toPass({ timeout: 20_000 });
  await expect(row(visitor, 'API')).toContainText('Major Outage');
  await expect(row(visitor, 'Web')).toContainText('Under Maintenance');
  await expect(visitor.getByRole('status')).toHaveText('Partial System Outage');
  expect((await shown()).join(' ')).toMatch(/^operational degraded (partial_outage )?major_outage$/);
});

test('UI-13 the dashboard survives a lost connection and catches up without a reload', async ({ page }) => {
  await signUp(page);
  const api = await addService(page, 'API');
  const connection = await Connection.of(page);
  await go(page, '/dashboard');
  const mark = page.getByRole('banner');
  await expect(mark).toContainText('Live');
  await connection.cut();
  await expect(mark).toContainText('Reconnecting…');
  await setStatus(page, api, 'major_outage');
  connection.restore();
  // When the network is back, the page reconnects at once.
  await page.evaluate(() => window.dispatchEvent(new Event('online')));
  await expect(statusOf(page, 'API')).toHaveValue('major_outage');
  await expect(mark).toContainText('Live');
});

test('UI-13 late, repeated or reordered frames never show an older state', async ({ page }) => {
  const { slug } = await signUp(page);
  const api = await addService(page, 'API');
  const visitor = await stranger(page);
  const held: string[] = [];
  let deliver = (_: string) => {};
  await Connection.of(visitor, (text, send) => {
    deliver = send;
    if (text.includes('service_updated')) held.push(text);
    else send(text);
  });
  await go(visitor, `/public/${slug}`);
  await expect(visitor.getByRole('banner')).toContainText('Live');
  const shown = await record(visitor);
  for (const status of ['degraded', 'partial_outage', 'major_outage']) await setStatus(page, api, status);
  await expect.poll(() => held.length).toBe(3);

  deliver(held[0]!);
  await expect(row(visitor, 'API')).toContainText('Degraded');
  // After a gap the page loads the whole state.
  deliver(held[2]!);
  await expect(row(visitor, 'API')).toContainText('Major Outage');
  const end = await whenShown(visitor, 'main', 'Operational');
  for (const frame of [held[1]!, held[0]!, held[2]!, '{"type":"hello","seq":1}']) deliver(frame);
  deliver('{"type":"something_new","seq":1}');
  await setStatus(page, api, 'operational');
  await expect.poll(() => held.length).toBe(4);
  deliver(held[3]!);
  await end();
  expect(await shown()).toEqual(['operational', 'degraded', 'major_outage', 'operational']);
});

test('UI-36 a status the server refuses is rolled back with a notice', async ({
  page,
  expectConsole,
}) => {
  expectConsole(/status of 500/, /net::ERR_/);
  const { slug } = await signUp(page);
  await addService(page, 'API');
  const visitor = await stranger(page);
  await go(visitor, `/public/${slug}`);
  const shown = await record(visitor);
  await go(page, '/dashboard');
  const control = statusOf(page, 'API');
  const headline = page.locator('main .headline');

  const failures = [
    (route: Parameters<Parameters<Page['route']>[1]>[0]) => route.fulfill({ status: 500, body: 'the cause, in Rust' }),
    (route: Parameters<Parameters<Page['route']>[1]>[0]) => route.abort(),
  ];
  for (const [n, fail] of failures.entries()) {
    let release = () => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    await page.route('**/set_service_status', async (route) => {
      await held;
      await fail(route);
    });
    await control.selectOption('Major Outage');
    // Shown at once …
    await expect(headline).toHaveText('Major System Outage');
    await expect(control).toHaveValue('major_outage');
    release();
    // … and rolled back.
    await expect(headline).toHaveText('All Systems Operational');
    await expect(control).toHaveValue('operational');
    const message = page.getByRole('alert').getByText('The status of API was not changed.');
    await expect(message).toHaveCount(n + 1);
    await expect(message.first()).not.toContainText(/Rust|ServerFn|error/);
    await page.unroute('**/set_service_status');
  }
  await page.getByRole('button', { name: 'Dismiss' }).first().click();
  await expect(page.getByRole('button', { name: 'Dismiss' })).toHaveCount(1);

  // The control still works.
  await control.selectOption('Degraded');
  await expect(row(visitor, 'API')).toContainText('Degraded');
  expect(await shown()).toEqual(['operational', 'degraded']);
});

test('UI-36 of quick successive choices the last one wins', async ({ page }) => {
  await signUp(page);
  const api = await addService(page, 'API');
  await go(page, '/dashboard');
  const control = statusOf(page, 'API');
  for (const status of ['Degraded', 'Partial Outage', 'Under Maintenance', 'Major Outage']) {
    await control.selectOption(status);
  }
  const stored = async () => ((await (await page.request.get(`/api/services/${api.id}`)).json()) as typeof api).status;
  await expect.poll(stored).toBe('major_outage');
  await expect(control).toHaveValue('major_outage');
});
