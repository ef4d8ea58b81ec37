import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stepBody } from '../../kit/bodies/event.ts';
import { launch } from '../page.ts';
import { openDashboard, waitUntilLive } from './gateway.ts';
import { scriptedJobs, startScriptedJobs } from './scripted-jobs.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser?.close());

const PATIENTLY = { timeout: 60_000 };

describe('a job on the board', () => {
  it('has its reward in place of a loss when it is reinforced, for screen readers too', async () => {
    const hyperparameters = { n_epochs: 1, batch_size: 4, learning_rate_multiplier: 1 };
    const [rewarded, trained] = scriptedJobs(2, (number) =>
      number === 1 ? { method: { type: 'reinforcement', reinforcement: { grader: null, hyperparameters } } } : {},
    );
    if (!rewarded || !trained) throw new Error('Two jobs are expected.');
    const { url, upstream } = await startScriptedJobs([rewarded, trained]);
    const rewards = [0.2, 0.875, 0.5].map((reward, index) =>
      stepBody(index + 1, 3, { train_loss: undefined, train_mean_reward: reward }),
    );
    upstream.onEvents(rewarded.id, rewards.toReversed());
    const { page } = await openDashboard(browser, url);
    const curveOf = (id: string) => page.locator(`[data-job="${id}"] .curve`);
    await curveOf(rewarded.id).locator('.sparkline').waitFor();
    expect(await curveOf(rewarded.id).locator('.curve-values').innerText()).toBe('reward 0.5\nmax 0.875');
    expect(await curveOf(rewarded.id).locator('.visually-hidden').textContent()).toBe(
      'Training reward: last 0.5, maximum 0.875',
    );
    await curveOf(trained.id).locator('.sparkline').waitFor();
    expect(await curveOf(trained.id).locator('.curve-values').innerText()).toBe('loss 1.414\nmin 1.414');
  });

  it('goes without a reload when the upstream has deleted it, and is not compared any more', async () => {
    const jobs = scriptedJobs(4, (number) => ({ status: number === 1 ? 'running' : 'succeeded' }));
    const { url, upstream } = await startScriptedJobs(jobs, { POLL_INTERVAL_MS: '200' });
    const { page } = await openDashboard(browser, url, '#/');
    await page.clock.install();
    await page.reload();
    await waitUntilLive(page);
    const names = () => page.locator('.job-name a').allTextContents();
    await expect.poll(names, PATIENTLY).toEqual(['job-1', 'job-2', 'job-3', 'job-4']);
    for (const name of ['job-2', 'job-3', 'job-4']) await page.getByLabel(`Compare ${name}`, { exact: true }).check();
    await page.getByText('3 jobs selected').waitFor();
    upstream.onJobs(jobs.filter(({ id }) => id !== 'ftjob-0003'));
    const laterNames = async () => {
      await page.clock.fastForward('05:01'); // A read can get the list of before from the gateway's cache.
      return await names();
    };
    await expect.poll(laterNames, { ...PATIENTLY, interval: 1000 }).toEqual(['job-1', 'job-2', 'job-4']);
    await page.getByText('2 jobs selected').waitFor();
    await page.getByText('3 jobs', { exact: true }).waitFor();
  });

  it('goes when the list is read after a change', async () => {
    const jobs = scriptedJobs(3, (number) => ({ status: number === 1 ? 'running' : 'succeeded' }));
    const { url, upstream } = await startScriptedJobs(jobs, { POLL_INTERVAL_MS: '200' });
    const { page } = await openDashboard(browser, url, '#/');
    await page.clock.install({ time: '2026-01-01T00:00:01Z' }); // The regular read of the list is at 00:05:00.
    await page.reload();
    await waitUntilLive(page);
    const names = () => page.locator('.job-name a').allTextContents();
    await expect.poll(names, PATIENTLY).toEqual(['job-1', 'job-2', 'job-3']);
    const [running, , last] = jobs;
    const ended = { ...running, id: 'ftjob-0001', status: 'succeeded' };
    upstream.onJob(ended);
    upstream.onJobs(last ? [ended, last] : []);
    await page.locator('[data-job="ftjob-0001"]').getByText('Succeeded').waitFor();
    await page.clock.fastForward('00:31');
    await expect.poll(names, PATIENTLY).toEqual(['job-1', 'job-3']);
  });
});
