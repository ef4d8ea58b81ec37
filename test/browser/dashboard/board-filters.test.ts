import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launch, SCREENSHOTS } from '../page.ts';
import { expectAccessible } from './accessibility.ts';
import { expectQuiet, openDashboard } from './gateway.ts';
import { scriptedJobs, startScriptedJobs } from './scripted-jobs.ts';
import { hasFocus, tabTo } from './start-page.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser?.close());

const PATIENTLY = { timeout: 60_000 };

const shownNames = (page: Page) => page.locator('.job-name a').allTextContents();
const hashOf = (page: Page) => new URL(page.url()).hash;

describe('the filters of the board', () => {
  it('are cleared by Escape with their text; a second Escape leaves the box', async () => {
    const { url } = await startScriptedJobs(scriptedJobs(3, () => ({ metadata: { stage: 'production' } })));
    const { page } = await openDashboard(browser, url);
    for (const [label, text, hash] of [
      ['Search', 'job-2', '#/?q=job-2'],
      ['Metadata', 'stage=x', '#/?metadata=stage%3Dx'],
    ] as const) {
      const box = page.getByLabel(label, { exact: true });
      await box.fill(text);
      await expect.poll(() => hashOf(page), PATIENTLY).toBe(hash);
      await page.keyboard.press('Escape');
      await expect.poll(() => hashOf(page), PATIENTLY).toBe('#/');
      expect(await box.inputValue()).toBe('');
      expect(await hasFocus(box)).toBe(true);
      await page.keyboard.press('Escape');
      await expect.poll(() => hasFocus(box), PATIENTLY).toBe(false);
      await expect.poll(() => shownNames(page), PATIENTLY).toEqual(['job-1', 'job-2', 'job-3']);
    }
  });

  it('of events are cleared by Escape too', async () => {
    const { url } = await startScriptedJobs(scriptedJobs(1));
    const { page } = await openDashboard(browser, url, '#/jobs/ftjob-0001');
    const box = page.getByLabel('Search the messages');
    await box.fill('nothing');
    await expect.poll(() => hashOf(page), PATIENTLY).toBe('#/jobs/ftjob-0001?q=nothing');
    await page.keyboard.press('Escape');
    await expect.poll(() => hashOf(page), PATIENTLY).toBe('#/jobs/ftjob-0001');
    expect(await box.inputValue()).toBe('');
  });

  it('give the focus to the search box when a button clears them', async () => {
    const { url } = await startScriptedJobs(scriptedJobs(2));
    const { page } = await openDashboard(browser, url, '#/?q=nothing');
    await tabTo(page, page.getByRole('button', { name: 'Clear the filters' }));
    await page.keyboard.press('Enter');
    await expect.poll(() => hasFocus(page.getByLabel('Search', { exact: true })), PATIENTLY).toBe(true);
  });

  it('find metadata by the beginning of its value, by several pairs, with suggestions and a reason for none', async () => {
    const jobs = scriptedJobs(3, (number) => ({
      metadata: { stage: number === 3 ? 'experiment' : 'production', team: number === 1 ? 'support' : 'sales' },
    }));
    const { url } = await startScriptedJobs(jobs);
    const watched = await openDashboard(browser, url);
    const { page } = watched;
    const box = page.getByLabel('Metadata');
    await box.fill('stage=prod');
    await expect.poll(() => shownNames(page), PATIENTLY).toEqual(['job-1', 'job-2']);
    await box.fill('stage=prod, team=sa');
    await expect.poll(() => shownNames(page), PATIENTLY).toEqual(['job-2']);
    await box.fill('stage=x');
    await page.getByText('Values: experiment, production.').waitFor();
    const suggestions = () =>
      page.locator('datalist option').evaluateAll((all) => all.map((each) => each.getAttribute('value')));
    expect(await suggestions()).toEqual([
      'stage',
      'stage=experiment',
      'stage=production',
      'team',
      'team=sales',
      'team=support',
    ]);
    await expectAccessible(page);
    expectQuiet(watched, url);
  });
});

describe('the selection for a comparison', () => {
  it('is not over the rows, at 320 px too, and says what the filters hide', async () => {
    const { url } = await startScriptedJobs(scriptedJobs(40));
    const watched = await openDashboard(browser, url);
    const { page } = watched;
    await page.setViewportSize({ width: 320, height: 640 });
    const boxes = page.locator('.job-select input');
    await boxes.first().waitFor();
    const top = async (part: string) => (await page.locator(part).boundingBox())?.y ?? 0;
    const distance = async () => (await top('.jobs')) - (await top('.filters'));
    const before = await distance();
    for (const row of [0, 1, 2]) await boxes.nth(row).check();
    await page.evaluate('scrollTo(0, 0)');
    await page.getByText('3 jobs selected').waitFor();
    expect(await distance()).toBe(before);
    const bar = await page.locator('.selection').boundingBox();
    expect((bar?.y ?? 0) + (bar?.height ?? 0)).toBeLessThanOrEqual(await top('.jobs'));
    await expectAccessible(page);
    await page.screenshot({ path: `${SCREENSHOTS}/dashboard-selection-320.png` });
    await page.setViewportSize({ width: 1280, height: 640 });
    await page.evaluate('scrollTo(0, 600)');
    await page.screenshot({ path: `${SCREENSHOTS}/dashboard-selection-1280.png` });
    await page.getByLabel('Search', { exact: true }).fill('job-1');
    await page.getByText('3 jobs selected (2 not shown)').waitFor();
    await page.getByRole('button', { name: 'Clear the selection' }).press('Enter');
    await expect.poll(() => hasFocus(boxes.first()), PATIENTLY).toBe(true);
    expectQuiet(watched, url);
  });

  it('does not hide the row that has the focus', async () => {
    const { url } = await startScriptedJobs(scriptedJobs(60));
    const { page } = await openDashboard(browser, url);
    const boxes = page.locator('.job-select input');
    await boxes.first().check();
    await boxes.nth(1).check();
    for (let row = 0; row < 40; row++) await page.keyboard.press('j');
    for (let row = 0; row < 30; row++) await page.keyboard.press('k');
    const isOnTop = () =>
      page.evaluate(`(() => { const { x, y } = document.activeElement.getBoundingClientRect();
        return document.elementFromPoint(x + 2, y + 2) === document.activeElement; })()`);
    await expect.poll(isOnTop, PATIENTLY).toBe(true);
  });
});
