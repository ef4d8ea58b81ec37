import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fileBody } from '../../kit/bodies/file.ts';
import { tokenFile } from '../../kit/process/token.ts';
import { launch } from '../page.ts';
import { expectQuiet } from './gateway.ts';
import { scriptedJobs, startScriptedJobs } from './scripted-jobs.ts';
import { openAs } from './start-page.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser?.close());

const STATES: readonly Record<string, unknown>[] = [
  { status: 'running', finished_at: null },
  { status: 'failed', error: { code: 'invalid_training_file', message: 'Line 3 is wrong.', param: 'training_file' } },
  { status: 'succeeded', fine_tuned_model: 'ft:model' },
];

async function startWithRoles() {
  const { tokens, file } = tokenFile({ vera: 'viewer', otto: 'operator' });
  const jobs = scriptedJobs(3, (number) => STATES[number - 1] ?? {});
  const gateway = await startScriptedJobs(jobs, { AUTH: 'tokens', AUTH_TOKENS_FILE: file, ALLOW_MUTATIONS: 'on' });
  for (const { id } of jobs) gateway.upstream.onCheckpoints(id, []);
  gateway.upstream.onFile(fileBody('file-training', { filename: 'support.jsonl' }));
  return { ...gateway, tokens };
}

describe('a viewer', () => {
  it.each([
    ['the board', '#/', '[data-job="ftjob-0003"]'],
    ['a running job', '#/jobs/ftjob-0001', '.plot canvas'],
    ['a failed job', '#/jobs/ftjob-0002', '.plot canvas'],
    ['a job that has succeeded', '#/jobs/ftjob-0003', '.plot canvas'],
    ['a comparison', '#/compare?ids=ftjob-0001,ftjob-0003', '.compare-curves canvas'],
    ['the form', '#/start', 'text=Ask the operator of this gateway'],
  ])('sees no error on the page of %s', async (_, hash, loaded) => {
    const { url, tokens } = await startWithRoles();
    const watched = await openAs(browser, url, tokens.vera, hash);
    const { page } = watched;
    await page.locator(loaded).first().waitFor();
    await page.getByText('vera (viewer)').waitFor();
    await page.waitForLoadState('networkidle');
    expect(await page.getByRole('alert').allTextContents()).toEqual([]);
    expect(await page.getByText('FORBIDDEN').count()).toBe(0);
    expectQuiet(watched, url);
  });
});

describe('the advice of a failed job', () => {
  it('links to the form with its settings and to its file, if the role allows it', async () => {
    const { url, tokens } = await startWithRoles();
    const viewer = await openAs(browser, url, tokens.vera, '#/jobs/ftjob-0002');
    await viewer.page.getByText('vera (viewer)').waitFor();
    await viewer.page.getByText('“Line 3 is wrong.”').waitFor();
    expect(await viewer.page.getByLabel('Failure').getByRole('link').count()).toBe(0);
    const operator = await openAs(browser, url, tokens.otto, '#/jobs/ftjob-0002');
    const { page } = operator;
    const file = page.getByRole('link', { name: 'Contents of the training file' });
    expect(await file.getAttribute('href')).toMatch(/file-training\/content$/);
    await page.getByRole('link', { name: 'Start a job with these settings' }).click();
    await expect.poll(() => page.url()).toContain('#/start?from=ftjob-0002');
    await page.getByRole('button', { name: 'Start the job' }).waitFor();
    expectQuiet(operator, url);
  });
});
