import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const WIDTHS = [320, 1280];
const THEMES = ['light', 'dark'];

/** The start of each element that is too wide, when the page has an overflow. */
const TOO_WIDE = `document.documentElement.scrollWidth > document.documentElement.clientWidth
  ? [...document.querySelectorAll('body *')]
      .filter((element) => element.getBoundingClientRect().right > document.documentElement.clientWidth)
      .map((element) => element.outerHTML.slice(0, 200))
  : []`;

/** Asserts that axe-core finds no violation on what the page shows now, in both themes and at both widths, and no overflow. */
export async function expectAccessible(page: Page): Promise<void> {
  const size = page.viewportSize();
  await page.evaluate(AXE);
  for (const theme of THEMES) {
    await page.evaluate(`document.documentElement.dataset.theme = '${theme}'`);
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 860 });
      const violations = await page.evaluate(
        `axe.run().then(({ violations }) => violations.map(({ id, nodes }) => id + ': ' + nodes.map(({ html }) => html).join(' ')))`,
      );
      expect(violations, `${theme}, ${width} px`).toEqual([]);
      await expect.poll(() => page.evaluate(TOO_WIDE), { message: `wider than ${width} px` }).toEqual([]);
    }
  }
  await page.evaluate('delete document.documentElement.dataset.theme');
  if (size !== null) await page.setViewportSize(size);
}
