import { createClient } from 'graphql-sse';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { readExampleTabs } from '../../src/server/graphiql/example-tabs.ts';
import { createCounter } from '../kit/counter.ts';
import { advancePolls, type JobLifecycle, runFollower, SEEDS, startJobLifecycle } from '../kit/gateway/job-life.ts';
import { execute, launch, newPage, openGraphiql, SCREENSHOTS, selectTab } from './page.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser?.close());

const QUERY = 'subscription ($id: ID!) { fineTuningJobStatusChanged(jobId: $id) { status } }';

/** A gateway with a job that was just created. */
async function start(): Promise<JobLifecycle> {
  const life = await startJobLifecycle(SEEDS.succeeded);
  onTestFinished(() => life[Symbol.asyncDispose]());
  return life;
}

/** Follows a job in a page. Resolves to the received statuses; calls the exposed function `begin` at each of them. */
type FollowInPage = (job: { query: string; id: string }) => Promise<string[]>;

const byEventSource: FollowInPage = ({ query, id }) =>
  new Promise((resolve, reject) => {
    const statuses: string[] = [];
    const search = new URLSearchParams({ query, variables: JSON.stringify({ id }) });
    const events = new EventSource(`/graphql?${search}`);
    events.addEventListener('next', ({ data }) => {
      statuses.push(JSON.parse(data).data.fineTuningJobStatusChanged.status);
      Object(globalThis).begin();
    });
    events.addEventListener('complete', () => {
      events.close(); // Otherwise EventSource reconnects.
      resolve(statuses);
    });
    events.addEventListener('error', () => reject(new Error('the stream was closed')));
  });

const byGraphqlSse: FollowInPage = async ({ query, id }) => {
  const client = Object(globalThis).graphqlSse.createClient({ url: '/graphql' });
  const statuses: string[] = [];
  for await (const { data } of client.iterate({ query, variables: { id } })) {
    statuses.push(data.fineTuningJobStatusChanged.status);
    Object(globalThis).begin();
  }
  return statuses;
};

const byGraphqlWs: FollowInPage = async ({ query, id }) => {
  const client = Object(globalThis).graphqlWs.createClient({ url: `ws://${location.host}/graphql` });
  const statuses: string[] = [];
  for await (const { data } of client.iterate({ query, variables: { id } })) {
    statuses.push(data.fineTuningJobStatusChanged.status);
    Object(globalThis).begin();
  }
  return statuses;
};

const CLIENTS: [name: string, follow: FollowInPage, script?: string][] = [
  ['EventSource', byEventSource],
  ['graphql-sse', byGraphqlSse, 'node_modules/graphql-sse/umd/graphql-sse.min.js'],
  ['graphql-ws', byGraphqlWs, 'node_modules/graphql-ws/umd/graphql-ws.min.js'],
];

describe('a page that follows a job', () => {
  it.each(CLIENTS)('receives every status with %s', async (_name, follow, script) => {
    const life = await start();
    const { page } = await newPage(browser);
    await page.goto(new URL('/health', life.gateway.url).href); // A page of the gateway's own origin.
    if (script) await page.addScriptTag({ path: script });
    const statuses = runFollower(life, async (begin) => {
      await page.exposeFunction('begin', begin);
      return await page.evaluate(follow, { query: QUERY, id: life.id });
    });
    expect(await statuses).toEqual(['VALIDATING_FILES', 'QUEUED', 'RUNNING', 'SUCCEEDED']);
  });
});

interface Change {
  anyFineTuningJobStatusChanged: { status: string; source: string; job: { id: string } };
}

/** Follows all jobs as the tab does; `polled` counts the changes after the snapshot. */
function followAll(url: string, query: string) {
  const client = createClient({ url, retryAttempts: 0 });
  onTestFinished(() => client.dispose());
  const polled = createCounter();
  let newest: Change['anyFineTuningJobStatusChanged'] | undefined;
  client.subscribe<Change>(
    { query },
    {
      next({ data }) {
        newest = data?.anyFineTuningJobStatusChanged;
        if (newest?.source === 'POLL') polled.count();
      },
      error() {},
      complete() {},
    },
  );
  return { polled, newest: () => newest };
}

describe('the tab of GraphiQL with live jobs', () => {
  it('shows the newest change, without another request, until it is stopped', async () => {
    const life = await start();
    const { page, consoleErrors, requests } = await openGraphiql(browser, life.gateway.url);
    const tabs = await readExampleTabs({ jobId: '', fileId: '' });
    const { polled, newest } = followAll(life.gateway.url, tabs[1]?.query ?? '');
    await selectTab(page, 'LiveJobs');
    await execute(page, (_method, url) => url.includes('LiveJobs'));
    const result = page.locator('.result-window');
    await advancePolls(life, result.getByText('"previousStatus"').waitFor()); // Of any change.
    const requestCount = requests.length;
    for (const count of [1, 2, 3]) {
      await advancePolls(life, polled.reached(count));
      const isShown = async () => {
        const { job, status } = newest() ?? {}; // Several may change at once.
        const text = (await result.textContent())?.replaceAll(/\s/g, ' ');
        return text?.includes(`"${job?.id}"`) && text.includes(`"status": "${status}"`);
      };
      await expect.poll(isShown, { timeout: 60_000 }).toBe(true); // The test clock is stopped, so that no newer change comes.
      await page.screenshot({ path: `${SCREENSHOTS}/graphiql-live-${count}.png` });
    }
    // Blob URLs are the workers of its editors.
    expect(requests.slice(requestCount).filter((url) => !url.startsWith('blob:'))).toEqual([]);
    await page.getByRole('button', { name: /stop/i }).click();
    await page.getByRole('button', { name: /execute/i }).waitFor();
    expect(consoleErrors).toEqual([]);
  });
});
