import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launch } from '../page.ts';
import { openDashboard, waitUntilLive } from './gateway.ts';
import { intercept } from './intercept.ts';
import { scriptedJobs, startScriptedJobs } from './scripted-jobs.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser?.close());

const badge = (page: Page) => page.locator('.job-summary [data-status]');
const button = (page: Page, name: string) => page.locator('.job-actions').getByRole('button', { name, exact: true });

/** A success that the gateway does not know: its live connection does not deliver it. */
const pausing = {
  __typename: 'PauseFineTuningJobSuccess',
  fineTuningJob: {
    id: 'ftjob-0001',
    status: 'PAUSING',
    rawStatus: 'pausing',
    isTerminal: false,
    fineTunedModelId: null,
    cancelDenial: null,
    pauseDenial: 'STATUS',
    resumeDenial: 'STATUS',
  },
};

/** The page of a running job, with the response to its pause held until `release`. */
async function openPaused(pollIntervalMs: string) {
  const [job] = scriptedJobs(1, () => ({ status: 'running', finished_at: null }));
  if (job === undefined) throw new Error('A job is expected.');
  const { url, upstream } = await startScriptedJobs([job], {
    ALLOW_MUTATIONS: 'on',
    POLL_INTERVAL_MS: pollIntervalMs,
  });
  upstream.on(`/fine_tuning/jobs/${job.id}/pause`, { ...job, status: 'pausing' });
  const { page } = await openDashboard(browser, url, `#/jobs/${job.id}`);
  const released = Promise.withResolvers<void>();
  const received = Promise.withResolvers<void>();
  await intercept(page, 'PauseJob', async ({ route }) => {
    const response = await route.fetch();
    received.resolve();
    await released.promise;
    await route.fulfill({ response });
  });
  await waitUntilLive(page);
  await button(page, 'Pause').click();
  await received.promise;
  const become = (status: string) => {
    upstream.onJob({ ...job, status });
    upstream.onJobs([{ ...job, status }]);
  };
  return { page, become, release: released.resolve };
}

describe('the state that an action returns', () => {
  it('is shown by the whole page, before the live connection delivers it', async () => {
    const [job] = scriptedJobs(1, () => ({ status: 'running', finished_at: null }));
    const { url } = await startScriptedJobs(job ? [job] : [], { ALLOW_MUTATIONS: 'on' });
    const { page } = await openDashboard(browser, url, `#/jobs/${job?.id}`);
    await intercept(page, 'PauseJob', ({ route }) => route.fulfill({ json: { data: { result: pausing } } }));
    await waitUntilLive(page);
    const pause = async () => {
      // The first state of the subscription can come after the first pause, and replaces it.
      if ((await badge(page).getAttribute('data-status')) === 'RUNNING') await button(page, 'Pause').click();
      return await page.locator('.job-actions button').first().getAttribute('title');
    };
    await expect.poll(pause, { timeout: 60_000 }).toContain('The status of this job is “Pausing”');
    expect(await badge(page).getAttribute('data-status')).toBe('PAUSING');
  });

  it('does not replace a newer one of the live connection', async () => {
    const { page, become, release } = await openPaused('200');
    become('paused');
    await expect.poll(() => badge(page).getAttribute('data-status')).toBe('PAUSED');
    release();
    await page.locator('.toast').getByText('The pause is requested').waitFor();
    expect(await badge(page).getAttribute('data-status')).toBe('PAUSED');
    expect(await button(page, 'Resume').getAttribute('aria-disabled')).toBe('false');
  });
});

it('a dialog stays until its action is done, however often Escape is pressed', async () => {
  const [job] = scriptedJobs(1, () => ({ status: 'running', finished_at: null }));
  const { url } = await startScriptedJobs(job ? [job] : [], { ALLOW_MUTATIONS: 'on' });
  const { page } = await openDashboard(browser, url, `#/jobs/${job?.id}`);
  const released = Promise.withResolvers<void>();
  const result = { ...pausing, __typename: 'CancelFineTuningJobSuccess' };
  await intercept(page, 'CancelJob', async ({ route }) => {
    await released.promise;
    await route.fulfill({ json: { data: { result } } });
  });
  await button(page, 'Cancel').click();
  await page.getByRole('button', { name: 'Cancel the job' }).click();
  const dialog = page.locator('#confirm-dialog');
  for (let presses = 0; presses < 4; presses++) {
    await page.keyboard.press('Escape');
    await page.evaluate('new Promise(requestAnimationFrame)');
    expect(await dialog.evaluate((element) => element.matches(':modal'))).toBe(true);
  }
  await dialog.getByText('Please wait…').waitFor();
  released.resolve();
  await dialog.waitFor({ state: 'detached' });
});

it('a pause that fails is told in plain words, and can be tried again', async () => {
  const [job] = scriptedJobs(1, () => ({ status: 'running', finished_at: null }));
  const { url } = await startScriptedJobs(job ? [job] : [], { ALLOW_MUTATIONS: 'on' });
  const { page } = await openDashboard(browser, url, `#/jobs/${job?.id}`);
  await intercept(page, 'PauseJob', ({ route }) => route.abort());
  await button(page, 'Pause').press('Enter');
  const toast = page.locator('.toast-error');
  await toast.getByText('The gateway cannot be reached').waitFor();
  expect(await toast.textContent()).not.toMatch(/NETWORK|Failed to fetch/);
  expect(await button(page, 'Pause').getAttribute('aria-disabled')).toBe('false');
});
