import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stepBody } from '../../kit/bodies/event.ts';
import { jobBody } from '../../kit/bodies/job.ts';
import { launch } from '../page.ts';
import { LIVELY, openDashboard, startDashboardGateway, waitUntilLive } from './gateway.ts';
import { createJob } from './sandbox-job.ts';
import { startScriptedDashboard } from './scripted.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser?.close());

/** Records from now on what moves without an action of the user. */
const observeShifts = (page: Page) =>
  page.evaluate(`window.shifts = [];
    new PerformanceObserver((list) => {
      for (const { value, hadRecentInput, sources } of list.getEntries()) {
        if (!hadRecentInput) shifts.push({ value, moved: sources.map(({ node }) => node?.className ?? node?.nodeName) });
      }
    }).observe({ type: 'layout-shift' });`);

const sumOfShifts = (page: Page) => page.evaluate('shifts.reduce((sum, { value }) => sum + value, 0)');

describe('the layout while live', () => {
  it('of the board does not move when jobs change', async () => {
    const { url } = await startDashboardGateway(LIVELY);
    const { page } = await openDashboard(browser, url);
    await waitUntilLive(page);
    await page.locator('.sparkline').first().waitFor();
    await observeShifts(page);
    const statuses = () => page.locator('[data-job] [data-status]').allTextContents();
    for (let change = 0; change < 3; change++) {
      const before = await statuses();
      await expect.poll(statuses, { timeout: 60_000 }).not.toEqual(before);
    }
    expect(await sumOfShifts(page)).toBeLessThan(0.002); // The texts of a cell alone: a row is 0.01 and more.
  });

  it('of a job does not move when its curve begins and when it ends', async () => {
    const { url, graphUrl } = await startDashboardGateway(LIVELY);
    const id = await createJob(graphUrl);
    const { page } = await openDashboard(browser, url, `#/jobs/${id}`);
    await page.locator('[data-event]').first().waitFor();
    await observeShifts(page);
    await page.locator('.plot canvas').first().waitFor({ timeout: 60_000 });
    await page.locator('.job-summary [data-status="SUCCEEDED"]').waitFor({ timeout: 150_000 });
    await page.locator('.job-facts').getByText('Ended').waitFor();
    expect(await sumOfShifts(page)).toBeLessThan(0.05); // Facts that come with the end alone: the events are 0.2.
  });
});

describe('reduced motion', () => {
  it('stops all transitions', async () => {
    const { url, upstream } = await startScriptedDashboard();
    const job = jobBody();
    upstream.onJobs([job]);
    upstream.onJob(job);
    upstream.onEvents(job.id, [stepBody(2, 8), stepBody(1, 8)]);
    const { page } = await openDashboard(browser, url);
    const durations = () =>
      page.evaluate(`[...new Set([...document.querySelectorAll('*')].flatMap((element) => {
        const { transitionDuration, animationName } = getComputedStyle(element);
        return [transitionDuration, animationName];
      }))].sort()`);
    await page.getByRole('progressbar').waitFor();
    expect(await durations()).toContain('0.4s');
    await page.emulateMedia({ reducedMotion: 'reduce' });
    expect(await durations()).toEqual(['0s', 'none']);
  });
});
