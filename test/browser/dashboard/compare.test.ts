import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stepBody } from '../../kit/bodies/event.ts';
import { launch, newPage, SCREENSHOTS } from '../page.ts';
import { expectAccessible } from './accessibility.ts';
import { expectQuiet, openDashboard, waitUntilLive } from './gateway.ts';
import { scriptedJobs, startScriptedJobs } from './scripted-jobs.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser?.close());

const attack = '<img src=x onerror="document.title=1">';

describe('a comparison of jobs', () => {
  it('shows the curves and the differences of the jobs that the user selects on the board', async () => {
    const jobs = scriptedJobs(3, (number) => ({ seed: number, metadata: { note: `${attack}${number}` } }));
    const { url } = await startScriptedJobs(jobs);
    const watched = await openDashboard(browser, url);
    const { page } = watched;
    for (const name of ['job-1', 'job-2', 'job-3']) await page.getByLabel(`Compare ${name}`, { exact: true }).check();
    await expectAccessible(page);
    await page.getByRole('link', { name: 'Compare', exact: true }).click();
    await page.locator('.compare-curves canvas').waitFor();
    await page.getByRole('row', { name: 'Seed 1 2 3' }).waitFor();
    await page.getByText(`${attack}2`).waitFor();
    expect(await page.getByRole('row', { name: /^Epochs/ }).count()).toBe(0);
    await page.locator('.compare-curves').focus();
    await page.keyboard.press('Home');
    await page.getByText('Step 1', { exact: true }).waitFor();
    expect(await page.locator('[data-announced]').textContent()).toMatch(
      /^Step 1: 1\. job-1 2, 2\. job-2 2, 3\. job-3 2$/,
    );
    await page.locator('.compare-value').getByText('2', { exact: true }).first().waitFor();
    await page.keyboard.press('+');
    await expect.poll(() => page.url()).toMatch(/zoom=1%7E1\.5/);
    await page.keyboard.press('0');
    await expect.poll(() => page.url()).not.toMatch(/zoom=/);
    await expectAccessible(page);
    await page.screenshot({ path: `${SCREENSHOTS}/dashboard-compare.png` });
    await page.getByRole('button', { name: 'Remove job 1' }).click();
    await page.getByRole('row', { name: 'Seed 2 3' }).waitFor();
    await page.reload();
    await page.getByRole('row', { name: 'Seed 2 3' }).waitFor();
    expectQuiet(watched, url);
  });

  it('keeps the jobs that are still being read when another one is removed', async () => {
    const { url } = await startScriptedJobs(scriptedJobs(3));
    const { page } = await newPage(browser);
    const { promise: isReleased, resolve: release } = Promise.withResolvers<void>();
    await page.route(/graphql/, async (route) => {
      const { operationName, variables } = route.request().postDataJSON();
      if (operationName === 'CompareJob' && variables.jobId === 'ftjob-0003') await isReleased;
      await route.continue();
    });
    await page.goto(`${url}#/compare?ids=ftjob-0001,ftjob-0002,ftjob-0003`);
    await page.getByRole('button', { name: 'Remove job 1' }).click();
    expect(decodeURIComponent(page.url())).toMatch(/ids=ftjob-0002,ftjob-0003$/);
    release();
    await page.getByRole('button', { name: 'Remove job 2' }).waitFor();
  });

  it('grows while its jobs train, over the one connection of the page', async () => {
    const jobs = scriptedJobs(2, (number) => ({ status: number === 1 ? 'running' : 'succeeded' }));
    const { url, upstream } = await startScriptedJobs(jobs, { POLL_INTERVAL_MS: '200' });
    const watched = await newPage(browser);
    const { page } = watched;
    const sockets: string[] = [];
    page.on('websocket', (socket) => sockets.push(socket.url()));
    await page.goto(`${url}#/compare?ids=ftjob-0001,ftjob-0002`);
    await page.getByRole('button', { name: 'Remove job 2' }).waitFor();
    await waitUntilLive(page);
    await page.evaluate("document.querySelector('.compare-curves canvas').dataset.isSame = 'yes'");
    const [running] = jobs;
    const curve = (steps: number) => Array.from({ length: steps }, (_, index) => stepBody(steps - index, 8));
    upstream.onEvents('ftjob-0001', curve(5));
    await page.getByRole('row', { name: 'Last step 5 2' }).waitFor();
    await page.getByRole('row', { name: 'Status Running Succeeded' }).waitFor();
    const ended = { ...running, id: 'ftjob-0001', status: 'succeeded' };
    upstream.onEvents('ftjob-0001', curve(8));
    upstream.onJob(ended);
    upstream.onJobs([ended]);
    await page.getByRole('row', { name: 'Last step 8 2' }).waitFor();
    await page.getByRole('row', { name: /^Status/ }).waitFor({ state: 'detached' }); // It is the same now.
    await page.locator('.compare-legend').getByText('last, step 2').waitFor();
    expect(await page.locator('.compare-curves canvas').getAttribute('data-is-same')).toBe('yes');
    await page.getByRole('button', { name: 'Percent of steps' }).click();
    await page.getByText('100.0 % of the steps').waitFor();
    await page.locator('.compare-legend').getByText('last, step 2').waitFor({ state: 'detached' });
    expect(page.url()).toContain('x=percent');
    expect(sockets).toHaveLength(1);
    expectQuiet(watched, url);
  });

  it('says that a job was deleted while it is compared', async () => {
    const jobs = scriptedJobs(3, () => ({ status: 'running' }));
    const { url, upstream } = await startScriptedJobs(jobs, { POLL_INTERVAL_MS: '200' });
    const { page } = await openDashboard(browser, url, '#/compare?ids=ftjob-0001,ftjob-0002,ftjob-0003');
    await page.getByRole('button', { name: 'Remove job 3' }).waitFor();
    await waitUntilLive(page);
    upstream.onJobs(jobs.filter(({ id }) => id !== 'ftjob-0002'));
    upstream.on('/fine_tuning/jobs/ftjob-0002', undefined);
    await page.getByText('The job ftjob-0002 does not exist.').waitFor();
    await page.getByRole('button', { name: 'Remove job 3' }).waitFor({ state: 'detached' });
  });

  it('says how many jobs it needs, and which job does not exist', async () => {
    const { url } = await startScriptedJobs(scriptedJobs(2));
    const { page } = await openDashboard(browser, url, '#/compare?ids=ftjob-0001');
    await page.getByText('A comparison needs 2 to 10 jobs').waitFor();
    await page.goto(`${url}#/compare?ids=ftjob-0001,ftjob-missing`);
    await page.getByText('The job ftjob-missing does not exist.').waitFor();
    await page.getByRole('link', { name: /job-1/ }).first().waitFor();
  });
});
