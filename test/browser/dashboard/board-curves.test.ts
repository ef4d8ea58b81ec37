import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { launch } from '../page.ts';
import { openDashboard } from './gateway.ts';
import { failField, intercept } from './intercept.ts';
import { scriptedJobs, startScriptedJobs } from './scripted-jobs.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser?.close());

it('the board requests a curve that fails less and less often, and once when the error is lasting', async () => {
  const { url } = await startScriptedJobs(scriptedJobs(2));
  const { page } = await openDashboard(browser, url, '#/start');
  const counts: Record<string, number> = {};
  await intercept(page, 'BoardCurve', async ({ route, variables }) => {
    const id = String(variables['id']);
    counts[id] = (counts[id] ?? 0) + 1;
    const code = id === 'ftjob-0001' ? 'UPSTREAM_UNSUPPORTED' : 'UPSTREAM_UNAVAILABLE';
    await failField(route, { fineTuningJob: { metrics: null } }, ['fineTuningJob', 'metrics'], code);
  });
  await page.clock.install();
  await page.goto(`${url}#/`);
  await expect.poll(() => counts).toEqual({ 'ftjob-0001': 1, 'ftjob-0002': 1 });
  let forwards = 0;
  const countLater = async () => {
    forwards++;
    await page.clock.fastForward(16_000);
    return counts['ftjob-0002'];
  };
  await expect.poll(countLater, { interval: 200 }).toBeGreaterThanOrEqual(3);
  expect(counts['ftjob-0001']).toBe(1);
  expect(forwards).toBeGreaterThanOrEqual(5); // 30 s and 60 s: it was 15 s each time.
});
