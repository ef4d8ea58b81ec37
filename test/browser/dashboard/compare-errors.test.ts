import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stepBody } from '../../kit/bodies/event.ts';
import { launch, newPage } from '../page.ts';
import { openDashboard, waitUntilLive } from './gateway.ts';
import { cutterOf, failField, intercept } from './intercept.ts';
import { scriptedJobs, startScriptedJobs } from './scripted-jobs.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser?.close());

const COMPARISON = '#/compare?ids=ftjob-0001,ftjob-0002';
const noCurve = { fineTuningJob: { metrics: null } };
const path = ['fineTuningJob', 'metrics'];

/** A comparison whose second curve cannot be read until `mend`. */
async function openFailing() {
  const { url, upstream } = await startScriptedJobs(scriptedJobs(2));
  upstream.onEvents('ftjob-0002', [stepBody(3, 8), stepBody(2, 8), stepBody(1, 8)]);
  const { page } = await openDashboard(browser, url);
  let isFailing = true;
  await intercept(page, 'JobMetrics', async ({ route, variables }) => {
    if (isFailing && variables['jobId'] === 'ftjob-0002') {
      await failField(route, noCurve, path, 'UPSTREAM_UNAVAILABLE');
    } else await route.fallback();
  });
  await page.goto(`${url}${COMPARISON}`);
  await page.getByText('ftjob-0002: Scripted: UPSTREAM_UNAVAILABLE').waitFor();
  const mend = () => {
    isFailing = false;
  };
  return { page, mend };
}

describe('a failure of a compared job', () => {
  it('is no empty curve: the next comparison reads it again', async () => {
    const { page, mend } = await openFailing();
    mend();
    await page.evaluate("location.hash = '#/'");
    await page.getByLabel('Compare job-1', { exact: true }).waitFor();
    await page.evaluate(`location.hash = '${COMPARISON}'`);
    await page.getByRole('row', { name: 'Last step 2 3' }).waitFor();
    expect(await page.getByRole('alert').count()).toBe(0);
  });

  it('goes after another attempt, which the page offers', async () => {
    const { page, mend } = await openFailing();
    mend();
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByRole('row', { name: 'Last step 2 3' }).waitFor();
    await page.getByRole('alert').waitFor({ state: 'detached' });
  });

  it('does not hide that of another one', async () => {
    const { url } = await startScriptedJobs(scriptedJobs(2));
    const { page } = await openDashboard(browser, url);
    await intercept(page, 'JobMetrics', async ({ route, variables }) => {
      if (variables['jobId'] === 'ftjob-0002') await route.fallback();
      else await failField(route, noCurve, path, 'UPSTREAM_UNAVAILABLE');
    });
    await page.goto(`${url}${COMPARISON},ftjob-missing`);
    await page.getByText('The job ftjob-missing does not exist.').waitFor();
    await page.getByText('ftjob-0001: Scripted: UPSTREAM_UNAVAILABLE').waitFor();
    expect(await page.getByRole('button', { name: 'Try again' }).count()).toBe(1);
  });

  it('ends the requests for it when it was deleted, after a reconnection too', async () => {
    const jobs = scriptedJobs(2, () => ({ status: 'running' }));
    const { url, upstream } = await startScriptedJobs(jobs, { POLL_INTERVAL_MS: '200' });
    const { page } = await newPage(browser);
    const cut = await cutterOf(page);
    const counts: Record<string, number> = {};
    for (const operation of ['CompareJob', 'JobMetrics']) {
      await intercept(page, operation, async ({ route, variables }) => {
        const id = String(variables['jobId']);
        counts[id] = (counts[id] ?? 0) + 1;
        await route.fallback();
      });
    }
    await page.goto(`${url}${COMPARISON}`);
    await page.getByRole('button', { name: 'Remove job 2' }).waitFor();
    await waitUntilLive(page);
    upstream.onJobs(jobs.filter(({ id }) => id !== 'ftjob-0002'));
    upstream.on('/fine_tuning/jobs/ftjob-0002', undefined);
    await page.getByText('The job ftjob-0002 does not exist.').waitFor();
    const before = { ...counts };
    await cut();
    await expect.poll(() => counts['ftjob-0001']).toBeGreaterThan((before['ftjob-0001'] ?? 0) + 1);
    expect(counts['ftjob-0002']).toBe(before['ftjob-0002']);
  });
});
