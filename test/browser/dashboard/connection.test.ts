import { setTimeout } from 'node:timers/promises';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { hasNginx, startNginx } from '../../kit/process/nginx.ts';
import { tokenFile, tokenLine } from '../../kit/process/token.ts';
import { launch, newPage, SCREENSHOTS } from '../page.ts';
import { expectQuiet, LIVELY, openDashboard, startDashboardGateway, startRelay, waitUntilLive } from './gateway.ts';
import { scriptedJobs, startScriptedJobs } from './scripted-jobs.ts';

let browser: Browser;
/** Knows the gateway on this machine as another one. */
let remoteBrowser: Browser;
beforeAll(async () => {
  browser = await launch();
  remoteBrowser = await launch('--host-resolver-rules=MAP gateway.example 127.0.0.1');
});
afterAll(async () => {
  await browser?.close();
  await remoteBrowser?.close();
});

/** A dashboard whose connections to the gateway can be cut. */
async function openThroughRelay() {
  const { url, graphUrl } = await startDashboardGateway(LIVELY);
  const { relay, url: relayUrl } = await startRelay(url);
  const watched = await openDashboard(browser, relayUrl);
  await waitUntilLive(watched.page);
  await watched.page.locator('[data-job]').first().waitFor();
  return { relay, graphUrl, ...watched };
}

/** The statuses on the page by job. */
async function shownStatuses(page: Page): Promise<Record<string, string>> {
  const rows = await page
    .locator('[data-job]')
    .evaluateAll((elements) =>
      elements.map((row) => [
        row.getAttribute('data-job'),
        row.querySelector('[data-status]')?.getAttribute('data-status'),
      ]),
    );
  return Object.fromEntries(rows);
}

/** The statuses of the newest jobs according to the gateway. */
async function trueStatuses(graphUrl: string): Promise<Record<string, string>> {
  const response = await fetch(graphUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: '{ fineTuningJobs(first: 50) { nodes { id status } } }' }),
  });
  const { data } = (await response.json()) as { data: { fineTuningJobs: { nodes: { id: string; status: string }[] } } };
  return Object.fromEntries(data.fineTuningJobs.nodes.map(({ id, status }) => [id, status]));
}

const reconnecting = (page: Page) => page.locator('.connection[data-state="reconnecting"]');

describe('the live connection of the dashboard', () => {
  it('is one WebSocket, which moves with the user from page to page', async () => {
    const { url } = await startDashboardGateway();
    const { page } = await newPage(browser);
    const sockets: string[] = [];
    page.on('websocket', (socket) => sockets.push(socket.url()));
    await page.goto(url);
    await waitUntilLive(page);
    await page.locator('[data-job] a').first().click();
    await page.getByRole('link', { name: 'Jobs' }).click();
    await page.locator('[data-job]').first().waitFor();
    await waitUntilLive(page);
    expect(sockets).toEqual([`${url.replace('http', 'ws')}graphql`]);
  });

  it('returns after a cut of 20 s, and the page shows what changed meanwhile', async () => {
    const { page, relay, graphUrl } = await openThroughRelay();
    const before = await trueStatuses(graphUrl);
    relay.mode = 'refuse';
    await reconnecting(page).waitFor();
    await setTimeout(20_000);
    await expect.poll(() => trueStatuses(graphUrl), { timeout: 60_000 }).not.toEqual(before);
    relay.mode = 'pass';
    await waitUntilLive(page);
    await expect
      .poll(
        async () => {
          const truth = await trueStatuses(graphUrl);
          const shown = await shownStatuses(page);
          expect(Object.keys(shown).length).toBeGreaterThan(15);
          return Object.keys(shown).filter((id) => truth[id] !== shown[id]);
        },
        { timeout: 60_000 },
      )
      .toEqual([]);
  });

  it('is lost: the page says as of when it is, and its times do not run down, without a jump', async () => {
    const finish = Math.floor(Date.now() / 1000) + 3600;
    const jobs = scriptedJobs(1, () => ({ status: 'running', finished_at: null, estimated_finish: finish }));
    const { url } = await startScriptedJobs(jobs);
    const { relay, url: relayUrl } = await startRelay(url);
    const { page } = await openDashboard(browser, relayUrl, '#/jobs/ftjob-0001');
    await waitUntilLive(page);
    const left = page.locator('.job-summary').getByText(/ left$/);
    await left.waitFor();
    const header = async () => (await page.locator('.header').boundingBox())?.height;
    for (const width of [1280, 320]) {
      await page.setViewportSize({ width, height: 800 });
      await waitUntilLive(page);
      await page.getByText(/^updated (now|\d+ s ago)$/).waitFor();
      const before = await header();
      relay.mode = 'refuse';
      await page.getByText('Not live').waitFor();
      await page.getByText(/as of \d\d:\d\d:\d\d$/).waitFor();
      const [shown, since] = [await left.textContent(), await page.evaluate('Date.now()')];
      await expect.poll(() => page.evaluate('Date.now()'), { timeout: 60_000 }).toBeGreaterThan(Number(since) + 2500);
      expect(await left.textContent()).toBe(shown);
      expect(await header()).toBe(before);
      await page.screenshot({ path: `${SCREENSHOTS}/dashboard-not-live-${width}.png` });
      relay.mode = 'pass';
      await waitUntilLive(page);
      await expect.poll(() => left.textContent(), { timeout: 60_000 }).not.toBe(shown);
    }
  });

  it('is opened again when the network has lost it silently', async () => {
    const { page, relay } = await openThroughRelay();
    relay.mode = 'hold';
    await reconnecting(page).waitFor();
    relay.mode = 'pass';
    await waitUntilLive(page);
  });

  it('is tried again when the gateway refuses a subscription', async () => {
    const { url } = await startDashboardGateway({ ...LIVELY, MAX_SUBSCRIPTIONS: '2' });
    const first = await openDashboard(browser, url);
    await waitUntilLive(first.page);
    const { page } = await openDashboard(browser, url);
    await page.locator('[data-job]').first().waitFor();
    await first.page.close();
    const before = await shownStatuses(page);
    await expect.poll(() => shownStatuses(page), { timeout: 60_000 }).not.toEqual(before);
  });

  it('follows the jobs again after the upstream has refused the key for a while', async () => {
    const jobs = (status: string) => scriptedJobs(2, (number) => (number === 1 ? { status, finished_at: null } : {}));
    const { url, upstream } = await startScriptedJobs(jobs('running'), { POLL_INTERVAL_MS: '300' });
    const { page } = await openDashboard(browser, url);
    await page.locator('[data-job="ftjob-0001"] [data-status="RUNNING"]').waitFor();
    await waitUntilLive(page);
    upstream.failAll((_, response) => response.writeHead(401, { 'content-type': 'application/json' }).end('{}'));
    await reconnecting(page).waitFor();
    upstream.failAll(null);
    for (const job of jobs('paused')) upstream.onJob(job);
    upstream.onJobs(jobs('paused'));
    await page.locator('[data-job="ftjob-0001"] [data-status="PAUSED"]').waitFor();
    await waitUntilLive(page);
  });

  it.skipIf(!hasNginx())('works under a path prefix behind nginx', async () => {
    const { graphUrl } = await startDashboardGateway(LIVELY);
    const nginx = await startNginx(graphUrl, { hasTls: false });
    onTestFinished(() => nginx[Symbol.asyncDispose]());
    const url = new URL('.', nginx.url).href;
    const watched = await openDashboard(browser, url);
    const { page } = watched;
    await waitUntilLive(page);
    await page.locator('[data-job]').first().waitFor();
    const before = await shownStatuses(page);
    await expect.poll(() => shownStatuses(page), { timeout: 60_000 }).not.toEqual(before);
    await page.locator('[data-job] a').first().click();
    await expect.poll(() => page.url()).toMatch(/\/ft\/#\/jobs\/ftjob-/);
    expectQuiet(watched, url);
  });

  it('goes on without a network when the gateway is on this machine', async () => {
    const { url } = await startDashboardGateway(LIVELY);
    const { page } = await openDashboard(browser, url);
    await waitUntilLive(page);
    await page.evaluate(`Object.defineProperty(navigator, 'onLine', { value: false });
      dispatchEvent(new Event('offline'));`); // `setOffline` of Playwright cuts connections to this machine too.
    const before = await shownStatuses(page);
    await expect.poll(() => shownStatuses(page), { timeout: 60_000 }).not.toEqual(before);
    await waitUntilLive(page);
  });

  it('waits while the browser has no network to another machine', async () => {
    const { url } = await startDashboardGateway({ ALLOWED_HOSTS: 'gateway.example' });
    const { page } = await openDashboard(remoteBrowser, url.replace('127.0.0.1', 'gateway.example'));
    await waitUntilLive(page);
    await page.context().setOffline(true);
    await page.locator('.connection[data-state="offline"]').waitFor();
    await page.context().setOffline(false);
    await waitUntilLive(page);
  });

  it('asks for another token when its token is revoked, and goes on with it', async () => {
    const { tokens, file, write } = tokenFile({ ann: 'viewer', otto: 'operator' });
    const { url } = await startDashboardGateway({ AUTH: 'tokens', AUTH_TOKENS_FILE: file });
    const { page } = await openDashboard(browser, url);
    const dialog = page.locator('#token-dialog');
    const enter = async (token: string) => {
      await dialog.locator('input').fill(token);
      await dialog.getByRole('button', { name: 'Continue' }).click();
      await dialog.waitFor({ state: 'detached' });
      await waitUntilLive(page);
    };
    await enter(tokens.ann);
    await page.getByText('ann (viewer)').waitFor();
    write(tokenLine('otto', 'operator', tokens.otto));
    await dialog.getByText('This token is unknown, revoked or expired').waitFor();
    await dialog.getByRole('button', { name: 'Skip' }).click();
    await page.getByText('Not live').waitFor();
    await page.getByRole('button', { name: 'Enter a token' }).click();
    await enter(tokens.otto);
    await page.getByText('otto (operator)').waitFor();
  });

  it('is closed when the page has been hidden for 30 s, and opened when it is visible', async () => {
    const { url } = await startDashboardGateway();
    const watched = await newPage(browser);
    const { page } = watched;
    await page.clock.install();
    await page.goto(url);
    await waitUntilLive(page);
    const setHidden = (isHidden: boolean) =>
      page.evaluate(`Object.defineProperty(document, 'hidden', { value: ${isHidden}, configurable: true });
        document.dispatchEvent(new Event('visibilitychange'));`);
    await setHidden(true);
    await page.clock.fastForward(29_000);
    await waitUntilLive(page);
    await page.clock.fastForward(2_000);
    await page.locator('.connection[data-state="paused"]').waitFor();
    await page.clock.fastForward(120_000);
    await page.locator('.connection[data-state="paused"]').waitFor();
    await setHidden(false);
    await waitUntilLive(page);
    expectQuiet(watched, url);
  });
});
