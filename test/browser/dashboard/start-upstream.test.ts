import type { IncomingMessage, ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { fileBody } from '../../kit/bodies/file.ts';
import { jobBody } from '../../kit/bodies/job.ts';
import { trainingLines } from '../../kit/client/upload.ts';
import { redisProgram, startRedis } from '../../kit/fleet/redis-server.ts';
import { pager } from '../../kit/gateway/upstream.ts';
import { PRICE, priceFile } from '../../kit/process/prices.ts';
import { launch } from '../page.ts';
import { expectAccessible } from './accessibility.ts';
import { expectQuiet, openDashboard, startDashboardGateway } from './gateway.ts';
import { startScriptedJobs } from './scripted-jobs.ts';
import { fieldOf, hasFocus, jsonl, startButton, uploadTrainingFile } from './start-page.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser?.close());

describe('the estimate of a file', () => {
  it('has the cost at the price of the model in PRICES_FILE, and none without the number of epochs', async () => {
    const { url } = await startDashboardGateway({ PRICES_FILE: priceFile({ amount: 5000 }) });
    const watched = await openDashboard(browser, url, '#/start');
    const { page } = watched;
    await uploadTrainingFile(page, jsonl(trainingLines(12)));
    await fieldOf(page, 'modelId').fill('gpt-4.1-mini');
    const estimate = page.getByRole('button', { name: 'Estimate tokens and cost' });
    const status = page.locator('.estimate [role="status"]');
    await estimate.click();
    await expect
      .poll(() => status.textContent())
      .toMatch(/^12 examples, about [\d,]+ tokens per epoch\. No cost: enter the number of epochs\.$/);
    await fieldOf(page, 'method.supervised.hyperparameters.nEpochs').fill('3');
    await estimate.click();
    await expect.poll(() => status.textContent()).toContain(`(price of ${PRICE.asOf}, ${PRICE.source}).`);
    const [, tokens = '', amount] =
      /, ([\d,]+) tokens in all epochs, about ([\d.]+) USD/.exec((await status.textContent()) ?? '') ?? [];
    expect(Number(amount)).toBeCloseTo(Number(tokens.replaceAll(',', '')) * 0.005, 2);
    await fieldOf(page, 'method.supervised.hyperparameters.nEpochs').fill('99999999999');
    await estimate.click();
    await expect.poll(() => status.textContent()).toMatch(/tokens per epoch\. No cost: enter the number of epochs\.$/);
    expectQuiet(watched, url);
  });

  it('says why it has no cost', async () => {
    const { url } = await startDashboardGateway();
    const { page } = await openDashboard(browser, url, '#/start');
    await uploadTrainingFile(page, jsonl(trainingLines(12)));
    const estimate = page.getByRole('button', { name: 'Estimate tokens and cost' });
    await estimate.click();
    await page.getByText('No cost: enter the model.').waitFor();
    await fieldOf(page, 'modelId').fill('gpt-4.1-mini');
    await fieldOf(page, 'method.supervised.hyperparameters.nEpochs').fill('3');
    await estimate.click();
    await page.getByText('No cost: the gateway has no price for this model').waitFor();
  });
});

describe('a create whose outcome is unknown', () => {
  it('keeps its key, and a retry finds the job that the upstream made before it closed the connection', async () => {
    const { url, upstream } = await startScriptedJobs([], { ALLOW_MUTATIONS: 'on', UPSTREAM: 'openai' });
    upstream.onFiles([fileBody('file-train')]);
    const made: { id: string }[] = [];
    let listed: typeof made = []; // A list can lag behind: the gateway looks for the job at once.
    upstream.on('/fine_tuning/jobs', async (request: IncomingMessage, response: ServerResponse) => {
      if (request.method !== 'POST') return pager(listed)(request, response);
      const { metadata } = (await json(request)) as { metadata: object }; // The gateway marks the job with its key.
      const job = jobBody({ id: `ftjob-made-${made.length + 1}`, created_at: Math.floor(Date.now() / 1000), metadata });
      made.push(job);
      upstream.onJob(job);
      response.socket?.destroy();
    });
    const watched = await openDashboard(browser, url, '#/start');
    const { page } = watched;
    await fieldOf(page, 'trainingFileId').selectOption('file-train');
    await fieldOf(page, 'modelId').fill('gpt-4.1-mini');
    await startButton(page).click();
    const notice = page.locator('[data-failure="OUTCOME_UNKNOWN"]');
    await notice.getByText('It is safe: the idempotency key stays the same').waitFor();
    await expect.poll(() => hasFocus(notice)).toBe(true);
    await expectAccessible(page);
    listed = made;
    await startButton(page).click();
    await page.waitForURL(/#\/jobs\/ftjob-made-1$/);
    expect(made).toHaveLength(1);
    expectQuiet(watched, url);
  });
});

describe.skipIf(redisProgram === null)('a create while Redis does not answer', () => {
  it('is refused, says when to try again, and is done once Redis answers', async () => {
    const redis = await startRedis();
    onTestFinished(() => redis[Symbol.asyncDispose]());
    const { url } = await startDashboardGateway({ REDIS_URL: redis.url });
    const watched = await openDashboard(browser, url, '#/start');
    const { page } = watched;
    await uploadTrainingFile(page, jsonl(trainingLines(12)));
    await fieldOf(page, 'modelId').fill('gpt-4.1-mini');
    redis.signal('SIGSTOP');
    await startButton(page).click();
    const notice = page.locator('[data-failure="FLEET_UNAVAILABLE"]');
    await notice.getByText(/^Nothing was started\. Wait \d+ s, then press “Start the job” again\.$/).waitFor();
    await expect.poll(() => hasFocus(notice)).toBe(true);
    redis.signal('SIGCONT');
    await expect
      .poll(async () => {
        await page.evaluate(`document.querySelector('.start-form [type="submit"]')?.click()`); // The form is left at once.
        return page.url();
      })
      .toMatch(/#\/jobs\/ftjob-/);
    expectQuiet(watched, url);
  });
});
