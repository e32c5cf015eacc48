// An incident from open to postmortem, its members without a mouse.

import type { Locator, Page } from '@playwright/test';
import { expect, test } from './fixtures';
import { type Hands, runScenario } from './journey';
import { tabTo } from './keys';

/** A room has many stops, and the way round leads past all of them. */
const ROUND = 150;

const isFocused = (target: Locator) => target.evaluate((element) => element === document.activeElement);

/** Puts the focus on an element, unless it is there already. */
async function reach(target: Locator): Promise<Page> {
  const page = target.page();
  await expect(target).toBeVisible();
  if (!(await isFocused(target))) await tabTo(page, target, ROUND);
  return page;
}

async function press(target: Locator): Promise<void> {
  const page = await reach(target);
  await page.keyboard.press('Enter');
}

const keyboard: Hands = {
  isLive: true,
  press,
  send: press,
  write: async (field, text) => {
    const page = await reach(field);
    await page.keyboard.press('Control+a');
    for (const [at, line] of text.split('\n').entries()) {
      if (at > 0) await page.keyboard.press('Enter');
      await page.keyboard.type(line);
    }
  },
  choose: async (choice, words) => {
    const page = await reach(choice);
    const chosen = () => choice.evaluate((select: HTMLSelectElement) => select.selectedOptions[0]?.label);
    // A letter goes to the next choice that begins with it.
    for (let turn = 0; turn < 8 && (await chosen()) !== words; turn += 1) await page.keyboard.press(words[0]!);
    expect(await chosen()).toBe(words);
  },
  pick: async (radio) => {
    // A set of radio buttons is one stop; the arrows lead through it.
    const page = await reach(radio.page().locator('.stepper input:checked'));
    for (let turn = 0; turn < 4 && !(await radio.isChecked()); turn += 1) await page.keyboard.press('ArrowRight');
    await expect(radio).toBeChecked();
    await expect(radio).toBeFocused();
  },
  compose: async (page) => {
    await page.keyboard.press('c');
    await page.waitForURL('**/incidents/new');
    await expect(page.getByLabel('Title', { exact: true }), 'the cursor waits').toBeFocused();
  },
  sendFrom: async (button) => {
    await button.page().keyboard.press('Control+Enter');
  },
};

test('two members without a mouse and two visitors live through an incident, and every screen agrees', async ({
  page,
}) => {
  test.setTimeout(300_000);
  await runScenario(keyboard, page);
});
