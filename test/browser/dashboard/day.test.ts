import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { keepSubscription, RUNNING_JOBS, sendDay } from '../../kit/dashboard/live-day.ts';
import { launch, newPage } from '../page.ts';
import { waitUntilLive } from './gateway.ts';
import { scriptedJobs, startScriptedJobs } from './scripted-jobs.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser?.close());

describe('a day of live changes', () => {
  it('leaves the heap of the board flat', { timeout: 300_000 }, async () => {
    const isRunning = (number: number) => number <= RUNNING_JOBS;
    const jobs = scriptedJobs(100, (number) => (isRunning(number) ? { status: 'running', finished_at: null } : {}));
    const { url } = await startScriptedJobs(jobs, { POLL_INTERVAL_MS: '60000' });
    const { page } = await newPage(browser);
    await keepSubscription(page);
    await page.goto(url);
    await waitUntilLive(page);
    const heaps = await sendDay(page);
    const half = Math.floor(heaps.length / 2);
    expect(Math.max(...heaps.slice(half))).toBeLessThan(Math.max(...heaps.slice(1, half)) + 2 ** 20);
  });
});
