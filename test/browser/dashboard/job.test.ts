import { setTimeout } from 'node:timers/promises';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventBody, stepBody } from '../../kit/bodies/event.ts';
import { jobBody } from '../../kit/bodies/job.ts';
import { launch, SCREENSHOTS } from '../page.ts';
import { expectQuiet, LIVELY, openDashboard, startDashboardGateway, startRelay, waitUntilLive } from './gateway.ts';
import { createJob } from './sandbox-job.ts';
import { startScriptedDashboard } from './scripted.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser?.close());

/** The steps and training losses in the table, page by page. */
async function shownLosses(page: Page): Promise<string[]> {
  const rows = page.locator('[data-step]');
  const next = page.getByRole('button', { name: 'Next' });
  while (await page.getByRole('button', { name: 'Previous' }).isEnabled()) {
    await page.getByRole('button', { name: 'Previous' }).click();
  }
  const losses: string[] = [];
  for (;;) {
    losses.push(
      ...(await rows.evaluateAll((elements) =>
        elements.map((row) => `${row.getAttribute('data-step')} ${row.querySelector('td')?.getAttribute('title')}`),
      )),
    );
    if (await next.isDisabled()) return losses;
    await next.click();
  }
}

describe('the page of a job', () => {
  it('goes from the validation to the success without a reload, while its curve grows', async () => {
    const { url, graphUrl } = await startDashboardGateway(LIVELY);
    const watched = await openDashboard(browser, url, '#/jobs/ftjob-nothing');
    const { page } = watched;
    await page.getByRole('heading', { name: 'Job not found' }).waitFor(); // The code of the page is loaded.
    const id = await createJob(graphUrl);
    await page.evaluate(`location.hash = '#/jobs/${id}?table=1'`);
    const status = page.locator('.job-summary [data-status]');
    await status.waitFor();
    expect(['VALIDATING_FILES', 'QUEUED']).toContain(await status.getAttribute('data-status'));
    const lengths: number[] = [];
    const follow = async () => {
      const length = await page.locator('[data-step]').count();
      if (length !== lengths.at(-1)) lengths.push(length);
      return await status.getAttribute('data-status');
    };
    await expect.poll(follow, { timeout: 150_000, interval: 100 }).toBe('SUCCEEDED');
    expect(lengths.length).toBeGreaterThan(3);
    expect(lengths).toEqual(lengths.toSorted((a, b) => a - b));
    await page.getByText('The job has successfully completed').waitFor();
    await page
      .getByText(/ckpt-step-|Checkpoints/)
      .first()
      .waitFor();
    await page.locator('.job-summary').getByText('from start to end').waitFor(); // Pauses count.
    expect(watched.requests.filter((request) => request === url)).toHaveLength(1);
    expectQuiet(watched, url);
    await page.screenshot({ path: `${SCREENSHOTS}/dashboard-job-light.png`, fullPage: true });
  });

  it('lacks no step and no event after a cut of 20 s', async () => {
    const { url, upstream } = await startScriptedDashboard();
    const job = jobBody();
    const events = Array.from({ length: 60 }, (_, index) => stepBody(index + 1, 1000)).toReversed();
    const grow = (count: number) => {
      for (let index = 0; index < count; index++) events.unshift(stepBody(events.length + 1, 1000));
      upstream.onEvents(job.id, events);
    };
    upstream.onJob(job);
    upstream.onCheckpoints(job.id, []);
    grow(0);
    const { relay, url: relayUrl } = await startRelay(url);
    const { page } = await openDashboard(browser, relayUrl, `#/jobs/${job.id}?table=1`);
    await page.locator('[data-step="60"]').waitFor();
    await waitUntilLive(page);
    grow(5);
    await page.locator('[data-step="65"]').waitFor();

    relay.mode = 'refuse';
    await page.locator('.connection[data-state="reconnecting"]').waitFor();
    for (let second = 0; second < 20; second++) {
      grow(9);
      await setTimeout(1000);
    }
    relay.mode = 'pass';
    await waitUntilLive(page);
    grow(5);
    const truth = events.toReversed().map(({ data }) => `${Object(data).step} ${Object(data).train_loss}`);
    expect(truth).toHaveLength(250);
    await expect.poll(() => shownLosses(page), { timeout: 60_000 }).toEqual(truth);
    const ids = () =>
      page.locator('[data-event]').evaluateAll((rows) => rows.map((row) => row.getAttribute('data-event')));
    await expect.poll(ids).toEqual(events.toReversed().map(({ id }) => id));
  });

  it('keeps the crosshair on its step while the curve grows', async () => {
    const { url, upstream } = await startScriptedDashboard();
    const job = jobBody();
    const events = Array.from({ length: 20 }, (_, index) => stepBody(index + 1, 100)).toReversed();
    upstream.onJob(job);
    upstream.onCheckpoints(job.id, []);
    upstream.onEvents(job.id, events);
    const { page } = await openDashboard(browser, url, `#/jobs/${job.id}?table=1`);
    await page.locator('.plot canvas').first().waitFor();
    await page.getByRole('application').focus();
    await page.keyboard.press('End');
    await page.keyboard.press('ArrowLeft');
    const left = async () => (await page.locator('[data-plot="Loss"] .u-cursor-x').boundingBox())?.x ?? 0;
    await expect.poll(left).toBeGreaterThan(500);
    const before = await left();
    for (let step = 21; step <= 40; step++) events.unshift(stepBody(step, 100));
    upstream.onEvents(job.id, events);
    await page.locator('[data-step="40"]').waitFor();
    await expect.poll(left).toBeLessThan(before * 0.7);
    expect(await page.locator('.curve-position').textContent()).toMatch(/^Step 19 /);
  });

  it('keeps the crosshair on its step when the upstream inserts steps before it', async () => {
    const { url, upstream } = await startScriptedDashboard();
    const job = jobBody();
    const events = (steps: number[]) => steps.map((step) => stepBody(step, 100)).toReversed();
    const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);
    upstream.onJob(job);
    upstream.onCheckpoints(job.id, []);
    upstream.onEvents(job.id, events([...range(1, 10), ...range(21, 30)]));
    const { relay, url: relayUrl } = await startRelay(url);
    const { page } = await openDashboard(browser, relayUrl, `#/jobs/${job.id}?table=1`);
    await page.locator('.plot canvas').first().waitFor();
    await page.getByRole('application').focus();
    await page.keyboard.press('End');
    await page.keyboard.press('ArrowLeft');
    await page.getByText(/^Step 29 /).waitFor();
    await waitUntilLive(page);
    relay.mode = 'refuse';
    await page.locator('.connection[data-state="reconnecting"]').waitFor();
    upstream.onEvents(job.id, events(range(1, 31)));
    relay.mode = 'pass'; // The curve is read again then, with all steps.
    await page.locator('[data-step="15"]').waitFor();
    expect(await page.locator('.curve-position').textContent()).toMatch(/^Step 29 /);
  });

  it('shows the events by level and text, loads older ones, and follows the newest', async () => {
    const { url, upstream } = await startScriptedDashboard();
    const job = jobBody({ status: 'failed', error: { code: 'exceeded_quota', message: 'No quota.', param: null } });
    const events = Array.from({ length: 130 }, (_, index) =>
      eventBody(`ftevent-${index}`, { message: `line ${index}`, level: index % 10 === 0 ? 'warn' : 'info' }),
    );
    upstream.onJob(job);
    upstream.onCheckpoints(job.id, []);
    upstream.onEvents(job.id, events.toReversed());
    const watched = await openDashboard(browser, url, `#/jobs/${job.id}`);
    const { page } = watched;
    const shown = page.locator('[data-event]');
    await page.locator('[data-event="ftevent-129"]').waitFor();
    expect(await shown.count()).toBe(100);
    const distance = () =>
      page.locator('.event-list').evaluate((list) => list.scrollHeight - list.scrollTop - list.clientHeight);
    await expect.poll(distance).toBeLessThan(2);
    const follow = page.getByLabel('Follow');
    for (const width of [320, 1280]) {
      await page.setViewportSize({ width, height: 860 });
      await expect.poll(distance).toBeLessThan(2); // Its lines wrap in another way.
      expect(await follow.isChecked()).toBe(true);
    }
    await page.locator('.event-list').evaluate((list) => list.scrollBy(0, -300)); // Once, and it is not undone.
    await expect.poll(() => follow.isChecked()).toBe(false);
    await follow.check();
    await expect.poll(distance).toBeLessThan(2);
    await page.locator('.event-list').focus();
    await page.keyboard.press('PageUp');
    await expect.poll(() => follow.isChecked()).toBe(false);
    await page.getByText('100 of the newest 100', { exact: true }).waitFor();
    await page.getByText('The search does not find older ones.').waitFor();
    await page.getByRole('button', { name: 'Load older events' }).click();
    await page.locator('[data-event="ftevent-0"]').waitFor({ state: 'attached' });
    expect(await shown.count()).toBe(130);
    await page.getByLabel('Level').selectOption('WARN');
    expect(await shown.count()).toBe(13);
    await page.getByLabel('Search the messages').fill('LINE 12');
    await expect.poll(() => shown.allTextContents()).toEqual([expect.stringContaining('line 120')]);
    await expect.poll(() => page.url()).toMatch(/follow=0&level=WARN&q=LINE\+12$/);
    await page.getByText('The account has no credit left').waitFor();
    await page.getByText('Raise the budget or add credit').waitFor();
    await page.getByText('“No quota.”').waitFor();
    expectQuiet(watched, url);
  });

  it('says that a job does not exist', async () => {
    const { url } = await startDashboardGateway();
    const watched = await openDashboard(browser, url, '#/jobs/ftjob-nothing');
    const { page } = watched;
    await page.getByRole('heading', { name: 'Job not found' }).waitFor();
    await page.getByText('ftjob-nothing').waitFor();
    await page.getByRole('link', { name: 'Show the jobs' }).click();
    await page.locator('[data-job]').first().waitFor();
    expectQuiet(watched, url);
  });

  it('says that a job was deleted while it is shown', async () => {
    const { url, upstream } = await startScriptedDashboard();
    const job = jobBody();
    upstream.onJob(job);
    upstream.onCheckpoints(job.id, []);
    upstream.onEvents(job.id, [stepBody(1, 10)]);
    const { page } = await openDashboard(browser, url, `#/jobs/${job.id}`);
    await page.locator('.plot canvas').first().waitFor();
    await waitUntilLive(page);
    upstream.failAll((_, response) => {
      response.writeHead(404, { 'content-type': 'application/json' });
      response.end(
        '{"error":{"message":"Could not find fine tune","type":"invalid_request_error","param":"fine_tune_id","code":"fine_tune_not_found"}}',
      );
    });
    await page.getByRole('heading', { name: 'Job not found' }).waitFor();
  });
});
