// Keyboard navigation.

import { expect, type Locator, type Page } from '@playwright/test';

/** Whether focus is visible: the focused element has an outline or ring, is in the viewport and not covered. */
export const isFocusVisible = (page: Page) =>
  page.evaluate(() => {
    const element = document.activeElement!;
    const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(element);
    // The button inside a date field has the browser's own ring; the field itself is then not focused.
    const isInner = !element.matches(':focus') && element.matches('input[type^=date]');
    const hasRing = (outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2) || boxShadow !== 'none' || isInner;
    const { left, top, right, width, height } = element.getBoundingClientRect();
    // The browser scrolls only the cursor's line of a tall field into view; in an empty field that is the first.
    const bottom = top + (element.matches('textarea') ? Math.min(height, 32) : height);
    const isInside = width > 0 && height > 0 && top >= 0 && left >= 0 && bottom <= innerHeight && right <= innerWidth;
    const above = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
    const isOnTop = above !== null && (element.contains(above) || above.contains(element));
    return { name: element.outerHTML.slice(0, 120), hasRing, isInside, isOnTop };
  });

/** Presses Tab until the element has focus. Focus must be visible at every stop. */
export async function tabTo(page: Page, target: Locator, stops = 40): Promise<void> {
  for (let stop = 0; stop < stops; stop += 1) {
    await page.keyboard.press('Tab');
    // After the last stop come the browser's own controls, then the page again.
    if (await page.evaluate(() => document.activeElement === document.body)) continue;
    const focus = await isFocusVisible(page);
    expect(focus).toEqual({ ...focus, hasRing: true, isInside: true, isOnTop: true });
    if (await target.evaluate((element) => element === document.activeElement)) return;
  }
  throw new Error(`${target} not reached within ${stops} stops`);
}
