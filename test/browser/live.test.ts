import { createClient } from 'graphql-sse';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { exampleTabs } from '../../src/server/graphiql/example-tabs.ts';
import { createCounter } from '../kit/counter.ts';
import { type Life, living, looking, SEEDS, startLife } from '../kit/gateway/job-life.ts';
import { launch, newPage, openGraphiql, PICTURES, press, turnTo } from './page.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser?.close());

const QUERY = 'subscription ($id: ID!) { fineTuningJobStatusChanged(jobId: $id) { status } }';

/** A gateway with a job that was made just now. */
async function start(): Promise<Life> {
  const life = await startLife(SEEDS.succeeded);
  onTestFinished(() => life[Symbol.asyncDispose]());
  return life;
}

/** How a page follows the job with an id by a query, and gives the statuses that it has seen. It says `begin` at the first. */
type FollowInPage = (job: { query: string; id: string }) => Promise<string[]>;

const byEventSource: FollowInPage = ({ query, id }) =>
  new Promise((resolve, reject) => {
    const seen: string[] = [];
    const search = new URLSearchParams({ query, variables: JSON.stringify({ id }) });
    const events = new EventSource(`/graphql?${search}`);
    events.addEventListener('next', ({ data }) => {
      seen.push(JSON.parse(data).data.fineTuningJobStatusChanged.status);
      Object(globalThis).begin();
    });
    events.addEventListener('complete', () => {
      events.close(); // Or it would ask again.
      resolve(seen);
    });
    events.addEventListener('error', () => reject(new Error('the stream: expected to stay')));
  });

const byGraphqlSse: FollowInPage = async ({ query, id }) => {
  const client = Object(globalThis).graphqlSse.createClient({ url: '/graphql' });
  const seen: string[] = [];
  for await (const { data } of client.iterate({ query, variables: { id } })) {
    seen.push(data.fineTuningJobStatusChanged.status);
    Object(globalThis).begin();
  }
  return seen;
};

const byGraphqlWs: FollowInPage = async ({ query, id }) => {
  const client = Object(globalThis).graphqlWs.createClient({ url: `ws://${location.host}/graphql` });
  const seen: string[] = [];
  for await (const { data } of client.iterate({ query, variables: { id } })) {
    seen.push(data.fineTuningJobStatusChanged.status);
    Object(globalThis).begin();
  }
  return seen;
};

const WAYS: [name: string, follow: FollowInPage, script?: string][] = [
  ['EventSource alone', byEventSource],
  ['graphql-sse', byGraphqlSse, 'node_modules/graphql-sse/umd/graphql-sse.min.js'],
  ['graphql-ws', byGraphqlWs, 'node_modules/graphql-ws/umd/graphql-ws.min.js'],
];

describe('a page that follows a job', () => {
  it.each(WAYS)('sees every status by %s', async (_name, follow, script) => {
    const life = await start();
    const { page } = await newPage(browser);
    await page.goto(new URL('/health', life.gateway.url).href); // A page of the gateway's own origin.
    if (script) await page.addScriptTag({ path: script });
    const seen = living(life, async (begin) => {
      await page.exposeFunction('begin', begin);
      return await page.evaluate(follow, { query: QUERY, id: life.id });
    });
    expect(await seen).toEqual(['VALIDATING_FILES', 'QUEUED', 'RUNNING', 'SUCCEEDED']);
  });
});

interface Change {
  anyFineTuningJobStatusChanged: { status: string; source: string; job: { id: string } };
}

/** Follows all jobs as the tab does; `looked` counts the changes after the first look. */
function followAll(url: string, query: string) {
  const client = createClient({ url, retryAttempts: 0 });
  onTestFinished(() => client.dispose());
  const looked = createCounter();
  let newest: Change['anyFineTuningJobStatusChanged'] | undefined;
  client.subscribe<Change>(
    { query },
    {
      next({ data }) {
        newest = data?.anyFineTuningJobStatusChanged;
        if (newest?.source === 'POLL') looked.count();
      },
      error() {},
      complete() {},
    },
  );
  return { looked, newest: () => newest };
}

describe('the tab of GraphiQL with the jobs that move', () => {
  it('shows the newest change, without a reload, until it is stopped', async () => {
    const life = await start();
    const { page, complaints, requests } = await openGraphiql(browser, life.gateway.url);
    const { looked, newest } = followAll(life.gateway.url, exampleTabs('')[1]?.query ?? '');
    await turnTo(page, 'LiveJobs');
    await press(page, (_method, url) => url.includes('LiveJobs'));
    const result = page.locator('.result-window');
    await looking(life, result.getByText('"previousStatus"').waitFor()); // Whichever change is the newest by then.
    const asked = requests.length;
    for (const count of [1, 2, 3]) {
      await looking(life, looked.reached(count));
      const isShown = async () => {
        const { job, status } = newest() ?? {}; // Several may change at once.
        const text = (await result.textContent())?.replaceAll(/\s/g, ' ');
        return text?.includes(`"${job?.id}"`) && text.includes(`"status": "${status}"`);
      };
      await expect.poll(isShown, { timeout: 25_000 }).toBe(true); // The clock stands still.
      await page.screenshot({ path: `${PICTURES}/graphiql-live-${count}.png` });
    }
    // The workers of its editors it may still be starting.
    expect(requests.slice(asked).filter((url) => !url.startsWith('blob:'))).toEqual([]);
    await page.getByRole('button', { name: /stop/i }).click();
    await page.getByRole('button', { name: /execute/i }).waitFor();
    expect(complaints).toEqual([]);
  });
});
