import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventBody } from '../../kit/bodies/event.ts';
import { jobBody } from '../../kit/bodies/job.ts';
import { launch } from '../page.ts';
import { expectQuiet, openDashboard } from './gateway.ts';
import { startScriptedDashboard } from './scripted.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser?.close());

describe('the events of a job', () => {
  it('are loaded to the oldest one on demand, which the search then finds', async () => {
    const { url, upstream } = await startScriptedDashboard();
    const job = jobBody({ status: 'succeeded', finished_at: 1_760_000_600 });
    const events = Array.from({ length: 430 }, (_, index) =>
      eventBody(`ftevent-${index}`, { message: index === 0 ? 'the very first' : `line ${index}` }),
    );
    upstream.onJob(job);
    upstream.onCheckpoints(job.id, []);
    upstream.onEvents(job.id, events.toReversed());
    const watched = await openDashboard(browser, url, `#/jobs/${job.id}?q=the+very+first`);
    const { page } = watched;
    await page.getByText('0 of the newest 100', { exact: true }).waitFor();
    await page.getByText('No loaded event matches.').waitFor();
    await page.getByRole('button', { name: 'Load all' }).click();
    await page.locator('[data-event="ftevent-0"]').waitFor();
    await page.getByText('1 of 430', { exact: true }).waitFor();
    expect(await page.getByRole('button', { name: 'Load all' }).count()).toBe(0);
    expectQuiet(watched, url);
  });
});
