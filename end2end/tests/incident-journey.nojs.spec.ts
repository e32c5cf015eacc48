// An incident from open to postmortem, by plain forms, on screens that are loaded again to see.

import type { Locator } from '@playwright/test';
import { expect, test } from './fixtures';
import { type Hands, runScenario, mouse } from './journey';

/** Presses a form's button and waits for the page that the answer leads to. */
async function send(button: Locator): Promise<void> {
  const page = button.page();
  const [response] = await Promise.all([
    page.waitForResponse((response) => response.request().method() === 'POST'),
    button.click(),
  ]);
  expect(response.status()).toBe(303);
  await page.waitForLoadState();
}

const forms: Hands = { ...mouse, isLive: false, send, sendFrom: send };

test('two members and two visitors without JavaScript live through an incident, and every screen agrees', async ({
  page,
}) => {
  test.setTimeout(180_000);
  await runScenario(forms, page);
});
