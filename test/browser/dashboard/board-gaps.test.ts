import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { launch } from '../page.ts';
import { openDashboard, startRelay, waitUntilLive } from './gateway.ts';
import { scriptedJobs, startScriptedJobs } from './scripted-jobs.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser?.close());

describe('the board, after its connection was lost', () => {
  it('shows the end of an old job that has ended meanwhile', async () => {
    const running = (number: number) => number === 150;
    const jobs = scriptedJobs(160, (number) => (running(number) ? { status: 'running', finished_at: null } : {}));
    const { url, upstream } = await startScriptedJobs(jobs, { POLL_INTERVAL_MS: '300', CACHE_ACTIVE_MS: '0' });
    const { relay, url: relayUrl } = await startRelay(url);
    const { page } = await openDashboard(browser, relayUrl);
    const filter = page.locator('.chip').filter({ hasText: 'Running' }); // Only the first page of the list is read.
    await filter.waitFor();
    await waitUntilLive(page);
    relay.mode = 'refuse';
    await page.locator('.connection[data-state="reconnecting"]').waitFor();
    const ended = scriptedJobs(160);
    upstream.onJobs(ended);
    for (const each of ended) upstream.onJob(each);
    relay.mode = 'pass';
    await filter.waitFor({ state: 'detached' });
    await page.getByText('101+ jobs').waitFor();
  });

  it('shows all new jobs, also more than a page of them', async () => {
    const old = scriptedJobs(60);
    const { url, upstream } = await startScriptedJobs(old, { POLL_INTERVAL_MS: '300', CACHE_ACTIVE_MS: '0' });
    const { relay, url: relayUrl } = await startRelay(url);
    const { page } = await openDashboard(browser, relayUrl);
    await page.getByText('60 jobs').waitFor();
    await waitUntilLive(page);
    relay.mode = 'refuse';
    await page.locator('.connection[data-state="reconnecting"]').waitFor();
    const added = scriptedJobs(130, (number) => ({ id: `ftjob-new-${number}`, created_at: 1_770_000_000 - number }));
    upstream.onJobs([...added, ...old]);
    relay.mode = 'pass';
    await page.getByText('190 jobs').waitFor();
  });
});
