import type { Browser, CDPSession, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchWithFloodProtection } from '../page.ts';
import { openCurve } from './curve-page.ts';
import { expectQuiet } from './gateway.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await launchWithFloodProtection();
});
afterAll(() => browser?.close());

interface Spot {
  readonly x: number;
  readonly y: number;
}

/** Fingers on the page. Each list is where they are next. */
async function touch(session: CDPSession, ...path: readonly (readonly Spot[])[]): Promise<void> {
  const pointsOf = (spots: readonly Spot[]) => spots.map(({ x, y }, id) => ({ x, y, id }));
  const send = (type: 'touchStart' | 'touchMove' | 'touchEnd', spots: readonly Spot[]) =>
    session.send('Input.dispatchTouchEvent', { type, touchPoints: pointsOf(spots) });
  const [first = [], ...rest] = path;
  await send('touchStart', first);
  for (const spots of rest) await send('touchMove', spots);
  await send('touchEnd', []);
}

/** The page of a curve of 100 steps on a device with a touch screen. `at` is a spot by the part of the plot's width. */
async function openTouchCurve() {
  const opened = await openCurve(browser, 100, '?table=1');
  const { page } = opened;
  const session = await page.context().newCDPSession(page);
  await session.send('Emulation.setTouchEmulationEnabled', { enabled: true, maxTouchPoints: 2 });
  const plot = page.locator('[data-plot="Loss"] .u-over');
  await plot.scrollIntoViewIfNeeded();
  const box = await plot.boundingBox();
  if (box === null) throw new Error('The plot is not visible.');
  const at = (part: number, down = 0.5): Spot => ({ x: box.x + box.width * part, y: box.y + box.height * down });
  return { ...opened, session, at };
}

const zoomOf = (page: Page) => {
  const text = new URLSearchParams(page.url().split('?')[1]).get('zoom');
  return text?.split('~').map(Number) ?? null;
};
const position = (page: Page) => page.locator('.curve-position').textContent();

describe('a curve on a touch screen', () => {
  it('is zoomed by two fingers, moved by one, and reset by the button', async () => {
    const { page, session, at } = await openTouchCurve();
    await touch(session, [at(0.4), at(0.6)], [at(0.3), at(0.7)], [at(0.2), at(0.8)], [at(0.1), at(0.9)]);
    await expect.poll(() => zoomOf(page)?.map(Math.round)).toEqual([38, 63]);
    expect(await page.locator('[data-step]').count()).toBeLessThan(30);
    await touch(session, [at(0.2)], [at(0.4)], [at(0.6)]);
    await expect.poll(() => zoomOf(page)?.[0]).toBeLessThan(32);
    const [from = 0, to = 0] = zoomOf(page) ?? [];
    expect(to - from).toBeCloseTo(99 / 4, 0);
    await page.getByRole('button', { name: 'Reset zoom' }).click();
    await expect.poll(() => page.locator('[data-step]').count()).toBe(100);
  });

  it('has a crosshair that follows one finger while all is shown', async () => {
    const { page, session, at } = await openTouchCurve();
    await touch(session, [at(0.2)], [at(0.3)], [at(0.5)]);
    await expect.poll(() => position(page)).toMatch(/^Step (50|51) /);
    expect(zoomOf(page)).toBeNull();
  });

  it('can be changed more often than the browser lets a page change its URL, which has the end', async () => {
    const watched = await openCurve(browser, 30);
    const { page } = watched;
    const slider = page.getByLabel('Smoothing');
    await slider.evaluate((element) => {
      for (let change = 1; change <= 400; change++) {
        Object.assign(element, { value: String((change % 98) / 100) });
        element.dispatchEvent(new Event('input', { bubbles: true }));
      }
    });
    await page.locator('.slider output').getByText('0.08').waitFor();
    await expect.poll(() => page.url()).toMatch(/smooth=0\.08$/);
    expectQuiet(watched, watched.url);
  });

  it('lets a vertical drag scroll the page', async () => {
    const { page, session, at } = await openTouchCurve();
    const scrolled = () => page.evaluate('scrollY');
    const before = Number(await scrolled());
    const path = Array.from({ length: 12 }, (_, index) => [at(0.5, 0.9 - index * 0.07)]);
    await touch(session, ...path);
    await expect.poll(scrolled).toBeGreaterThan(before + 30);
    expect(zoomOf(page)).toBeNull();
  });
});
