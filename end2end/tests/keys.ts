// Going about a page without a mouse.

import { expect, type Locator, type Page } from '@playwright/test';

/** Whether the focused element shows that it is: by an outline or a ring, inside the window, not under something. */
export const isFocusVisible = (page: Page) =>
  page.evaluate(() => {
    const element = document.activeElement!;
    const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(element);
    // The button inside a date field is the browser's own and has the browser's ring; the field then has not the focus.
    const isInner = !element.matches(':focus') && element.matches('input[type^=date]');
    const hasRing = (outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2) || boxShadow !== 'none' || isInner;
    const { left, top, right, width, height } = element.getBoundingClientRect();
    // Of a tall field the browser brings the line with the cursor into view, in an empty one the first.
    const bottom = top + (element.matches('textarea') ? Math.min(height, 32) : height);
    const isInside = width > 0 && height > 0 && top >= 0 && left >= 0 && bottom <= innerHeight && right <= innerWidth;
    const above = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
    const isOnTop = above !== null && (element.contains(above) || above.contains(element));
    return { name: element.outerHTML.slice(0, 120), hasRing, isInside, isOnTop };
  });

/** Tabs until the element has the focus; everywhere on the way the focus must be visible. */
export async function tabTo(page: Page, target: Locator, stops = 40): Promise<void> {
  for (let stop = 0; stop < stops; stop += 1) {
    await page.keyboard.press('Tab');
    // After the last stop the browser's own controls would follow; then the page begins anew.
    if (await page.evaluate(() => document.activeElement === document.body)) continue;
    const focus = await isFocusVisible(page);
    expect(focus).toEqual({ ...focus, hasRing: true, isInside: true, isOnTop: true });
    if (await target.evaluate((element) => element === document.activeElement)) return;
  }
  throw new Error(`${stops} stops, and none at ${target}`);
}
