import type { Browser, Route } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tokenFile } from '../../kit/process/token.ts';
import { launch, newPage } from '../page.ts';
import { openDashboard, waitUntilLive } from './gateway.ts';
import { changeJob, cutterOf, intercept } from './intercept.ts';
import { scriptedJobs, startScriptedJobs } from './scripted-jobs.ts';
import { openAs } from './start-page.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser?.close());

describe('the page of a job', () => {
  it('ignores a response that a newer one has overtaken', async () => {
    const { url } = await startScriptedJobs(scriptedJobs(1, () => ({ status: 'running' })));
    const { page } = await newPage(browser);
    const cut = await cutterOf(page);
    const held: Route[] = [];
    let isHeld = false;
    await intercept(page, 'Job', async ({ route }) => {
      if (isHeld) held.push(route);
      else await route.fallback();
    });
    await page.goto(`${url}#/jobs/ftjob-0001`);
    await waitUntilLive(page);
    await page.getByText('org-test').waitFor();
    isHeld = true;
    for (const count of [1, 2]) {
      await waitUntilLive(page);
      await cut();
      await expect.poll(() => held.length).toBeGreaterThanOrEqual(count); // After each gap.
    }
    const respond = (route: Route | undefined, organization: string) =>
      route && changeJob(route, (job) => Object.assign(job, { organizationId: organization }));
    await respond(held.pop(), 'org-newer');
    await page.getByText('org-newer').waitFor();
    for (const route of held) await respond(route, 'org-older');
    await page.evaluate('new Promise((resolve) => setTimeout(resolve))');
    expect(await page.getByText('org-older').count()).toBe(0);
    await page.getByText('org-newer').waitFor();
  });

  it('does not say that a file is deleted which could not be read', async () => {
    const { url } = await startScriptedJobs(scriptedJobs(1));
    const { page } = await openDashboard(browser, url, '#/start');
    await intercept(page, 'Job', async ({ route }) => {
      const response = await route.fetch();
      const { data } = await response.json();
      const path = ['fineTuningJob', 'trainingFile'];
      const errors = [{ message: 'Overloaded.', path, extensions: { code: 'UPSTREAM_UNAVAILABLE' } }];
      data.fineTuningJob.trainingFile = null;
      await route.fulfill({ response, json: { data, errors } });
    });
    await page.goto(`${url}#/jobs/ftjob-0001`);
    const file = page.locator('.job-facts dd', { hasText: 'file-training' });
    await file.getByText('could not be read').waitFor();
    expect(await file.getByTitle('The file could not be read: Overloaded.').count()).toBe(1);
    expect(await file.getByText('deleted').count()).toBe(0);
  });

  it('leaves an error of the page behind when the user goes to another job', async () => {
    const { url } = await startScriptedJobs(scriptedJobs(2));
    const { page } = await openDashboard(browser, url, '#/start');
    await intercept(page, 'Job', async ({ route, variables }) => {
      if (variables['jobId'] !== 'ftjob-0001') await route.fallback();
      else await changeJob(route, (job) => Object.assign(job, { metadata: null })); // Against the schema.
    });
    await page.goto(`${url}#/jobs/ftjob-0001`);
    await page.getByText('This page has an error').waitFor();
    await page.evaluate("location.hash = '#/jobs/ftjob-0002'");
    await page.getByRole('heading', { name: 'job-2', level: 1 }).waitFor();
  });

  it('keeps all but the curves when their code cannot be loaded', async () => {
    const { url } = await startScriptedJobs(scriptedJobs(1));
    const { page } = await openDashboard(browser, url, '#/');
    await page.route(/\/curves-[^/]*\.js/, (route) => route.abort());
    await page.goto(`${url}#/jobs/ftjob-0001`);
    await page.getByText('This part of the page cannot be loaded').waitFor();
    expect(await page.locator('main').count()).toBe(1);
    expect(await page.getByRole('heading', { level: 1 }).allTextContents()).toEqual(['job-1']);
    await page.getByRole('button', { name: 'Reload' }).waitFor();
  });
});

it('a message of an error stays although more messages come', async () => {
  const { tokens, file } = tokenFile({ otto: 'operator' });
  const settings = { ALLOW_MUTATIONS: 'on', AUTH: 'tokens', AUTH_TOKENS_FILE: file };
  const { url } = await startScriptedJobs(scriptedJobs(1), settings);
  const { page } = await openAs(browser, url, tokens.otto, '#/jobs/ftjob-0001');
  await page.route('**/metrics.csv', (route) => route.abort());
  await page.locator('.curve-toolbar').getByRole('link', { name: 'CSV' }).click();
  await page.locator('.toast-error').waitFor();
  const cancel = page.locator('.job-actions').getByRole('button', { name: 'Cancel', exact: true });
  for (let clicks = 0; clicks < 6; clicks++) await cancel.press('Enter');
  await page.locator('.toast-info').nth(3).waitFor();
  expect(await page.locator('.toast-error').count()).toBe(1);
  expect(await page.locator('.toast-info').count()).toBe(4);
});

it('the commands of the empty board quote the URL, and name the token', async () => {
  const { tokens, file } = tokenFile({ otto: 'operator' });
  const settings = { ALLOW_MUTATIONS: 'on', AUTH: 'tokens', AUTH_TOKENS_FILE: file };
  const { url, graphUrl } = await startScriptedJobs([], settings);
  const { page } = await openAs(browser, url, tokens.otto, '#/');
  const command = page.locator('.snippet pre').first();
  await command.waitFor();
  expect(await command.textContent()).toContain(`curl -s '${graphUrl}' -H "Authorization: Bearer $TOKEN"`);
});
