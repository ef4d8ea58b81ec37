import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createRandom } from '../../kit/fleet/random.ts';
import { tokenFile } from '../../kit/process/token.ts';
import { launch } from '../page.ts';
import { startDashboardGateway, startRelay, waitUntilLive } from './gateway.ts';
import { scriptedJobs, startScriptedJobs } from './scripted-jobs.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser?.close());

interface Tabs {
  /** Opens one more tab of the same browser profile. */
  open(hash?: string): Promise<Page>;
  /** Number of WebSockets that are open in each tab, in the order of opening. */
  sockets(): number[];
}

async function openTabs(url: string, initScript?: string): Promise<Tabs> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 } });
  context.setDefaultTimeout(60_000);
  onTestFinished(() => context.close());
  if (initScript !== undefined) await context.addInitScript(initScript);
  const counts: { open: number }[] = [];
  return {
    async open(hash = '') {
      const page = await context.newPage();
      const count = { open: 0 };
      counts.push(count);
      page.on('websocket', (socket) => {
        count.open++;
        socket.on('close', () => count.open--);
      });
      const reset = () => {
        count.open = 0; // A page that is left does not report it.
      };
      page.on('close', reset);
      page.on('request', (request) => request.isNavigationRequest() && reset());
      await page.goto(`${url}${hash}`);
      return page;
    },
    sockets: () => counts.map(({ open }) => open),
  };
}

/** The upstream of two jobs, of which the first one runs. `setStatus` changes it. */
async function startOneRunningJob(settings: Record<string, string> = {}) {
  const jobs = (status: string) => scriptedJobs(2, (number) => (number === 1 ? { status, finished_at: null } : {}));
  const gateway = await startScriptedJobs(jobs('running'), { POLL_INTERVAL_MS: '500', ...settings });
  const setStatus = (status: string) => {
    gateway.upstream.onJobs(jobs(status));
    for (const job of jobs(status)) gateway.upstream.onJob(job);
  };
  return { ...gateway, setStatus };
}

const running = 'ftjob-0001';

const waitForStatus = (page: Page, status: string) =>
  page.locator(`[data-job="${running}"] [data-status="${status}"]`).waitFor();

async function enterToken(page: Page, token: string): Promise<void> {
  await page.locator('#token-dialog input').fill(token);
  await page.locator('#token-dialog').getByRole('button', { name: 'Continue' }).click();
}

/** Keeps the thread of a page busy, as a debugger or an endless loop would. */
async function stop(page: Page): Promise<void> {
  await page.evaluate('void setTimeout(() => { for (const end = Date.now() + 40_000; Date.now() < end; ); })');
}

/** Records the messages of the tabs to their hub, as any page of the origin can. */
const LISTEN = `
  globalThis.heard = [];
  navigator.locks.query().then(({ held }) => {
    for (const { name } of held) {
      new BroadcastChannel(name).onmessage = ({ data }) => heard.push(JSON.stringify(data));
    }
  });
`;

describe('the tabs of a browser', () => {
  it('share one connection, which moves when its tab is closed', async () => {
    const { url, setStatus } = await startOneRunningJob();
    const tabs = await openTabs(url);
    const pages = [await tabs.open(), await tabs.open(), await tabs.open(`#/jobs/${running}`)];
    for (const page of pages) await waitUntilLive(page);
    await expect.poll(tabs.sockets).toEqual([1, 0, 0]);
    const [first, second, third] = pages as [Page, Page, Page];
    setStatus('paused');
    for (const page of [first, second]) await waitForStatus(page, 'PAUSED');
    await third.locator('.job-summary [data-status="PAUSED"]').waitFor();

    await first.close();
    setStatus('running');
    await waitForStatus(second, 'RUNNING');
    await third.locator('.job-summary [data-status="RUNNING"]').waitFor();
    for (const page of [second, third]) await waitUntilLive(page);
    await expect.poll(() => tabs.sockets().toSorted()).toEqual([0, 0, 1]);
  });

  it('keep their connection while one of them leaves and returns', async () => {
    const { url, setStatus } = await startOneRunningJob();
    const tabs = await openTabs(url);
    const first = await tabs.open();
    await waitUntilLive(first);
    const second = await tabs.open();
    await waitUntilLive(second);
    await second.reload();
    await waitUntilLive(second);
    await expect.poll(tabs.sockets).toEqual([1, 0]);
    await first.reload();
    setStatus('paused');
    for (const page of [first, second]) await waitForStatus(page, 'PAUSED');
    await expect.poll(() => tabs.sockets().toSorted()).toEqual([0, 1]);
  });

  it('take the connection from a tab that is stopped', async () => {
    const { url, setStatus } = await startOneRunningJob();
    const tabs = await openTabs(url);
    const first = await tabs.open();
    await waitUntilLive(first);
    await stop(first);
    const second = await tabs.open();
    await waitUntilLive(second);
    setStatus('paused');
    await waitForStatus(second, 'PAUSED');
  });

  it('open one connection again after it was lost', async () => {
    const { url, setStatus } = await startOneRunningJob();
    const { relay, url: relayUrl } = await startRelay(url);
    const tabs = await openTabs(relayUrl);
    const pages = [await tabs.open(), await tabs.open(), await tabs.open()];
    for (const page of pages) await waitUntilLive(page);
    relay.mode = 'refuse';
    for (const page of pages) await page.locator('.connection[data-state="reconnecting"]').waitFor();
    setStatus('paused');
    relay.mode = 'pass';
    for (const page of pages) {
      await waitUntilLive(page);
      await waitForStatus(page, 'PAUSED');
    }
    await expect.poll(() => tabs.sockets().toSorted()).toEqual([0, 0, 1]);
  });

  it('miss no change while they are opened, left and loaded again in any order', { timeout: 180_000 }, async () => {
    const { url, setStatus } = await startOneRunningJob({ POLL_INTERVAL_MS: '200' });
    const tabs = await openTabs(url);
    const open = new Set([await tabs.open(), await tabs.open()]);
    const acts = {
      open: async () => void open.add(await tabs.open()),
      close: async (page: Page) => {
        open.delete(page);
        await page.close();
      },
      reload: (page: Page) => page.reload(),
      leave: async (page: Page) => {
        await page.goto('about:blank');
        await page.goto(url);
      },
    };
    const seed = Math.floor(Math.random() * 2 ** 31);
    const random = createRandom(seed);
    const pick = <Item>(items: readonly Item[]) => items[random(items.length)] as Item;
    for (let round = 0; round < 20; round++) {
      const page = pick([...open]);
      const act =
        open.size < 2 ? 'open' : open.size > 4 ? 'close' : pick(['open', 'close', 'reload', 'leave'] as const);
      const status = round % 2 === 0 ? 'paused' : 'running';
      const done = acts[act](page);
      setStatus(status);
      await done;
      const missing = async () => {
        const shown = [...open].map((each) =>
          each.locator(`[data-job="${running}"] [data-status]`).getAttribute('data-status'),
        );
        return (await Promise.all(shown)).filter((each) => each !== status.toUpperCase());
      };
      await expect.poll(missing, { message: `seed ${seed}, round ${round}: ${act}` }).toEqual([]);
    }
    await expect.poll(() => tabs.sockets().reduce((a, b) => a + b)).toBe(1);
  });

  it('have further connections when one has no room for all their subscriptions', async () => {
    /** A comparison shows statuses that differ: one job is queued. */
    const jobs = (status: string) =>
      scriptedJobs(10, (number) => ({ status: number === 10 ? 'queued' : status, finished_at: null }));
    const { url, upstream } = await startScriptedJobs(jobs('running'), { POLL_INTERVAL_MS: '500' });
    const tabs = await openTabs(url);
    const pages: Page[] = [];
    for (let count = 0; count < 6; count++) pages.push(await tabs.open());
    for (const page of pages) await waitUntilLive(page);
    const ids = jobs('running').map(({ id }) => id);
    for (const page of pages) await page.evaluate(`location.hash = '#/compare?ids=${ids.join()}'`);
    for (const page of pages) await expect.poll(() => page.locator('[data-status="RUNNING"]').count()).toBe(9);
    await expect.poll(() => tabs.sockets().reduce((a, b) => a + b)).toBe(3); // One carries four tabs, with 80 subscriptions.
    upstream.onJobs(jobs('paused'));
    for (const job of jobs('paused')) upstream.onJob(job);
    for (const page of pages) await expect.poll(() => page.locator('[data-status="PAUSED"]').count()).toBe(9);
  });

  it('have a connection for each token', async () => {
    const { tokens, file } = tokenFile({ ann: 'viewer', otto: 'operator' });
    const { url } = await startDashboardGateway({ AUTH: 'tokens', AUTH_TOKENS_FILE: file });
    const tabs = await openTabs(url);
    const openAs = async (token: string) => {
      const page = await tabs.open();
      await enterToken(page, token);
      await waitUntilLive(page);
      return page;
    };
    const first = await openAs(tokens.ann);
    await first.evaluate(LISTEN);
    await openAs(tokens.otto);
    await openAs(tokens.ann);
    await expect.poll(tabs.sockets).toEqual([1, 1, 0]);
    const heard = (await first.evaluate('heard')) as string[];
    expect(heard.filter((message) => message.includes('connection_init'))).toHaveLength(1);
    expect(heard.filter((message) => message.includes(tokens.ann))).toEqual([]);
  });

  it('connect with a token that is entered while the connection opens', async () => {
    const { tokens, file } = tokenFile({ ann: 'viewer' });
    const { url } = await startDashboardGateway({ AUTH: 'tokens', AUTH_TOKENS_FILE: file });
    const digestLater = `{
      const digest = SubtleCrypto.prototype.digest;
      SubtleCrypto.prototype.digest = async function (...args) {
        await new Promise((resolve) => setTimeout(resolve, 4000));
        return await digest.apply(this, args);
      };
    }`;
    const page = await (await openTabs(url, digestLater)).open();
    await enterToken(page, tokens.ann);
    await waitUntilLive(page);
    expect(await page.locator('#token-dialog').count()).toBe(0);
  });

  it('have a connection each in a browser without locks', async () => {
    const { url, setStatus } = await startOneRunningJob();
    const tabs = await openTabs(url, `delete Navigator.prototype.locks`);
    const pages = [await tabs.open(), await tabs.open()];
    for (const page of pages) await waitUntilLive(page);
    await expect.poll(tabs.sockets).toEqual([1, 1]);
    setStatus('paused');
    for (const page of pages) await waitForStatus(page, 'PAUSED');
  });
});

describe('50 open pages', () => {
  it('ask the upstream no more than two, one of each kind', { timeout: 900_000 }, async () => {
    const { url, upstream, setStatus } = await startOneRunningJob({
      CACHE_ACTIVE_MS: '60000',
      POLL_INTERVAL_MS: '300',
    });
    const isPoll = ({ target }: { target: string }) => /\/jobs\?/.test(target);
    /** Upstream requests per poll of the list, while the job is paused and while it runs. */
    const requestsPerPoll = async (pages: readonly Page[]) => {
      const start = upstream.calls.length;
      const polls = () => upstream.calls.slice(start).filter(isPoll).length;
      for (const status of ['paused', 'running']) {
        setStatus(status);
        for (const page of pages) await page.locator(`[data-status="${status.toUpperCase()}"]`).first().waitFor();
        const expected = polls() + 10;
        await expect.poll(polls, { timeout: 60_000 }).toBeGreaterThanOrEqual(expected);
      }
      return (upstream.calls.length - start) / polls();
    };
    const profiles = [await openTabs(url), await openTabs(url)] as const;
    const jobPage = `#/jobs/${running}`;
    const pages = [await profiles[0].open(), await profiles[0].open(jobPage)];
    for (const page of pages) await waitUntilLive(page);
    const ofTwo = await requestsPerPoll(pages);
    for (const [index, { open }] of profiles.entries()) {
      while (pages.length < 25 * (index + 1)) pages.push(await open(pages.length % 2 === 0 ? '' : jobPage));
    }
    for (const page of pages) await waitUntilLive(page);
    expect(await requestsPerPoll(pages)).toBeLessThan(ofTwo + 0.5);
    const sum = (counts: readonly number[]) => counts.reduce((a, b) => a + b);
    const connections = () => profiles.map(({ sockets }) => sum(sockets()));
    await expect.poll(connections).toEqual([1 + 5, 1 + 5]); // A connection carries 20 tabs.
  });
});
