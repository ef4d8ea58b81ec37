import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stepBody } from '../../kit/bodies/event.ts';
import { launch, newPage, SCREENSHOTS } from '../page.ts';
import { expectAccessible } from './accessibility.ts';
import { expectQuiet, openDashboard, startDashboardGateway, waitUntilLive } from './gateway.ts';
import { scriptedJobs, startScriptedJobs } from './scripted-jobs.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser?.close());

const PATIENTLY = { timeout: 60_000 };

const shownNames = (page: Page) => page.locator('.job-name a').allTextContents();

const focusedJob = (page: Page) => page.evaluate(`document.activeElement.closest('[data-job]')?.dataset.job`);

describe('the board', () => {
  it('shows a new job from VALIDATING_FILES to SUCCEEDED without a reload', async () => {
    const [job, old] = scriptedJobs(2);
    if (!job || !old) throw new Error('Two jobs are expected.');
    const { url, upstream } = await startScriptedJobs([old], { POLL_INTERVAL_MS: '200' });
    const watched = await openDashboard(browser, url);
    const { page } = watched;
    await waitUntilLive(page);
    await page.locator(`[data-job="${old.id}"]`).waitFor();
    const row = page.locator(`[data-job="${job.id}"]`);
    /** Sets the status in the upstream. Resolves when the board shows it. */
    const showStatus = async (status: string) => {
      const changed = { ...job, status, finished_at: status === 'succeeded' ? job['finished_at'] : null };
      upstream.onJobs([changed, old]);
      upstream.onJob(changed);
      await row.locator(`[data-status="${status.toUpperCase()}"]`).waitFor();
    };
    /** The same with the steps that the job has done. */
    const showSteps = async (count: number) => {
      const steps = Array.from({ length: count }, (_, index) => stepBody(count - index, 8));
      upstream.onEvents(job.id, steps);
      await row.locator(`[role=progressbar][aria-valuenow="${(100 * count) / 8}"]`).waitFor();
    };
    upstream.onEvents(job.id, []);
    await showStatus('validating_files');
    await showStatus('queued');
    await showStatus('running');
    await showSteps(2);
    await row.locator('.sparkline').waitFor();
    await showSteps(6);
    await showStatus('succeeded');
    await row.locator('.sparkline').waitFor();
    expect(await shownNames(page)).toEqual(['job-1', 'job-2']);
    expect(watched.requests.filter((request) => request === url)).toHaveLength(1);
    expectQuiet(watched, url);
  });

  it('filters and sorts by its URL, which a reload keeps', async () => {
    const jobs = scriptedJobs(250, (number) => ({
      status: number % 50 === 0 ? 'failed' : 'succeeded',
      model: number % 100 === 0 ? 'gpt-4o-2024-08-06' : 'gpt-4.1-mini-2025-04-14',
      metadata: { team: number > 200 ? 'support' : 'sales' },
    }));
    const { url } = await startScriptedJobs(jobs);
    const watched = await openDashboard(browser, url);
    const { page } = watched;
    await page.getByRole('button', { name: 'Failed' }).click();
    await expect
      .poll(() => shownNames(page), PATIENTLY)
      .toEqual(['job-50', 'job-100', 'job-150', 'job-200', 'job-250']);
    await page.getByRole('button', { name: 'Created' }).click();
    await expect
      .poll(() => shownNames(page), PATIENTLY)
      .toEqual(['job-250', 'job-200', 'job-150', 'job-100', 'job-50']);
    await page.getByLabel('Model', { exact: true }).selectOption('gpt-4o-2024-08-06');
    await page.getByLabel('Metadata').fill('team=sales');
    await page.getByLabel('Search').fill('JOB-2');
    await expect.poll(() => shownNames(page), PATIENTLY).toEqual(['job-200']);
    await page.getByText('1 of 250 jobs').waitFor();
    await page.reload();
    await expect.poll(() => shownNames(page), PATIENTLY).toEqual(['job-200']);
    expect(await page.getByLabel('Search').inputValue()).toBe('JOB-2');
    await page.getByLabel('Method').selectOption('DPO');
    await page.getByText('No job matches these filters.').waitFor();
    await expectAccessible(page);
    await page.getByRole('button', { name: 'Clear the filters' }).click();
    await expect.poll(async () => (await shownNames(page))[0], PATIENTLY).toBe('job-250');
    await expect.poll(() => new URL(page.url()).hash, PATIENTLY).toBe('#/?sort=created');
    expectQuiet(watched, url);
  });

  it('is used by keyboard: / searches, j and k move, Enter opens', async () => {
    const { url } = await startScriptedJobs(scriptedJobs(60));
    const { page } = await openDashboard(browser, url);
    await page.locator('[data-job]').first().waitFor();
    for (let row = 0; row < 40; row++) await page.keyboard.press('j');
    await expect.poll(() => focusedJob(page), PATIENTLY).toBe('ftjob-0040');
    const box = await page.locator('[data-job="ftjob-0040"]').boundingBox();
    expect(box?.y).toBeGreaterThan(0);
    expect(box?.y).toBeLessThan(860 - 47);
    await page.keyboard.press('k');
    await expect.poll(() => focusedJob(page), PATIENTLY).toBe('ftjob-0039');
    await page.keyboard.press('/');
    await page.keyboard.type('job-7');
    await expect.poll(() => shownNames(page), PATIENTLY).toEqual(['job-7']);
    await page.keyboard.press('Enter');
    await expect.poll(() => focusedJob(page), PATIENTLY).toBe('ftjob-0007');
    await page.keyboard.press('Enter');
    await expect.poll(() => new URL(page.url()).hash, PATIENTLY).toBe('#/jobs/ftjob-0007');
  });

  it('shows texts of the upstream as text', async () => {
    const attack = '<img src=x onerror="document.title=1"><script>alert(1)</script>';
    const jobs = scriptedJobs(1, () => ({
      user_provided_suffix: attack,
      model: attack,
      status: attack,
      metadata: { [attack]: attack },
      method: { type: attack },
    }));
    const { url } = await startScriptedJobs(jobs);
    const watched = await openDashboard(browser, url);
    const { page } = watched;
    const row = page.locator('[data-job]');
    await expect.poll(() => row.locator('.job-name a').textContent(), PATIENTLY).toBe(attack);
    for (const cell of ['.job-status', '.row-model', '.job-method']) {
      expect(await row.locator(cell).textContent()).toBe(attack);
    }
    expect(await row.locator('.job-name .quiet').textContent()).toContain(`${attack}=${attack}`);
    expect(await page.locator('#app img, #app script').count()).toBe(0);
    await expectAccessible(page);
    expectQuiet(watched, url);
  });

  it('teaches how to start a job when there is none', async () => {
    const { url } = await startScriptedJobs([]);
    const watched = await openDashboard(browser, url);
    const { page } = watched;
    await page.getByRole('heading', { name: 'No jobs yet' }).waitFor();
    await expectAccessible(page);
    await page.screenshot({ path: `${SCREENSHOTS}/dashboard-board-empty.png` });
    expectQuiet(watched, url);
  });

  it('shows why the jobs cannot be read, and reads them again', async () => {
    const { url, upstream } = await startScriptedJobs(scriptedJobs(3));
    upstream.failAll((_, response) => response.writeHead(400, { 'content-type': 'application/json' }).end('{}'));
    const { page } = await openDashboard(browser, url);
    await page.getByRole('alert').waitFor();
    await expectAccessible(page);
    upstream.failAll(null);
    await page.getByRole('button', { name: 'Try again' }).click();
    await expect.poll(() => shownNames(page), PATIENTLY).toEqual(['job-1', 'job-2', 'job-3']);
    expect(await page.getByRole('alert').count()).toBe(0);
  });

  it('is accessible with jobs in all statuses', async () => {
    const { url } = await startDashboardGateway();
    const watched = await openDashboard(browser, url);
    const { page } = watched;
    await waitUntilLive(page);
    await page.locator('.sparkline').first().waitFor();
    await expectAccessible(page);
    expectQuiet(watched, url);
  });
});

describe('the board with many jobs', () => {
  it('reads page by page as the user scrolls, and renders the visible rows alone', async () => {
    const { url, upstream } = await startScriptedJobs(scriptedJobs(1000));
    const { page } = await newPage(browser);
    await page.goto(url);
    await page.locator('[data-job]').first().waitFor();
    await page.getByText('100+ jobs').waitFor();
    const scroll = async () => {
      await page.evaluate('scrollTo(0, document.documentElement.scrollHeight)');
      return await page.locator('.summary').textContent();
    };
    await expect.poll(scroll, { timeout: 60_000 }).toBe('1,000 jobs');
    await scroll();
    await page.getByRole('link', { name: 'job-1000', exact: true }).waitFor();
    expect(await page.locator('[data-job]').count()).toBeLessThan(45);
    expect(await page.locator('[data-job="ftjob-1000"]').getAttribute('aria-rowindex')).toBe('1001');
    await page.evaluate('scrollTo(0, 0)');
    await page.getByRole('link', { name: 'job-1', exact: true }).waitFor();
    const curves = new Set(upstream.calls.map(({ target }) => target).filter((target) => target.includes('/events')));
    expect(curves.size).toBeLessThan(300);
  });

  it('stays where the user reads when a new job comes', async () => {
    const jobs = scriptedJobs(100);
    const { url, upstream } = await startScriptedJobs(jobs, { POLL_INTERVAL_MS: '200', CACHE_ACTIVE_MS: '0' });
    const { page } = await openDashboard(browser, url);
    await waitUntilLive(page);
    await page.locator('[data-job]').first().waitFor();
    await page.evaluate('scrollTo(0, 2000)');
    const row = page.locator('[data-job="ftjob-0045"]');
    const before = (await row.boundingBox())?.y;
    const [added] = scriptedJobs(1, () => ({ id: 'ftjob-new', created_at: 1_770_000_000, status: 'running' }));
    if (added) upstream.onJobs([added, ...jobs]);
    await page.getByText('101 jobs').waitFor();
    expect((await row.boundingBox())?.y).toBe(before);
  });

  it('asks the upstream for curves once for all pages, and for the list at most once per page', async () => {
    const { url, upstream } = await startScriptedJobs(scriptedJobs(30), {
      POLL_INTERVAL_MS: '60000',
      CACHE_ACTIVE_MS: '5000',
    });
    const callsTo = (pattern: RegExp) =>
      upstream.calls.map(({ target }) => target).filter((target) => pattern.test(target));
    for (let pages = 1; pages <= 5; pages++) {
      const { page } = await openDashboard(browser, url);
      await waitUntilLive(page);
      await expect.poll(() => page.locator('.sparkline').count(), PATIENTLY).toBeGreaterThan(15);
      expect(callsTo(/jobs(\?|$)/).length).toBeLessThanOrEqual(1 + pages); // The subscriptions read it too.
    }
    const curves = callsTo(/events/);
    expect(curves).toHaveLength(new Set(curves).size);
  });
});
