// Checks for any page.

import AxeBuilder from '@axe-core/playwright';
import { expect, type Page } from '@playwright/test';

export const WIDE = 'W'.repeat(80);
export const RTL = 'خدمة الدفع الإلكتروني والفواتير الشهرية للمؤسسات الكبيرة جدا';
export const EMOJI = '👩‍👩‍👧‍👦🚀'.repeat(8);

/** Elements that extend beyond the viewport, outside scrolling boxes. */
export const overflowing = (page: Page) =>
  page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    const scrolls = (element: Element | null): boolean =>
      element !== null &&
      (/auto|scroll/.test(getComputedStyle(element).overflowX) || scrolls(element.parentElement));
    const isOutside = (element: Element) => {
      const { left, right, width, height } = element.getBoundingClientRect();
      return width > 1 && height > 1 && (right > clientWidth + 1 || left < -1) && !scrolls(element);
    };
    const outside = [...document.body.querySelectorAll('*:not(.sr-only, .sr-only *, .skip-link)')]
      .filter((element) => element.checkVisibility() && isOutside(element))
      .map((element) => `${element.tagName.toLowerCase()}.${element.className}`);
    return [...(scrollWidth > clientWidth ? [`page ${scrollWidth} > ${clientWidth}`] : []), ...outside];
  });

/** Runs axe on the page, light and dark. */
export async function expectAccessible(page: Page, what: string) {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    // The pages have no frames, so the faster legacy mode suffices.
    const { violations } = await new AxeBuilder({ page })
      .options({ resultTypes: ['violations'] })
      .withTags(['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa'])
      .setLegacyMode()
      .analyze();
    const found = violations.flatMap(({ id, nodes }) =>
      nodes.map(({ target, failureSummary }) => `${id}: ${target.join(' ')}: ${failureSummary}`),
    );
    expect.soft(found, `${what}, ${colorScheme}`).toEqual([]);
  }
}

/** The text of `main` without times, which the client reformats, and without elements that only the client draws. */
export const content = (page: Page, withClient = 'script') =>
  page.locator('main').evaluate((main, withClient) => {
    const copy = main.cloneNode(true) as HTMLElement;
    for (const time of copy.querySelectorAll('time')) time.replaceChildren();
    for (const element of copy.querySelectorAll(`script, ${withClient}`)) element.remove();
    return copy.textContent!.replace(/\s+/g, ' ').trim();
  }, withClient);
