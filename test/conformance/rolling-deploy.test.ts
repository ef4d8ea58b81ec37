import { ApolloClient, type ApolloLink, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { RetryLink } from '@apollo/client/link/retry';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { Client, fetchExchange, type SubscriptionForwarder, subscriptionExchange } from '@urql/core';
import { createClient as createSseClient } from 'graphql-sse';
import { createClient as createWsClient } from 'graphql-ws';
import { describe, expect, it } from 'vitest';
import { jobBody } from '../kit/bodies/job.ts';
import { createCounter } from '../kit/counter.ts';
import { startUpstream } from '../kit/gateway/upstream.ts';
import { startScript } from '../kit/process/process.ts';

const QUERY =
  'subscription Watch($id: ID!) { fineTuningJobStatusChanged(jobId: $id) { status job { id fineTunedModelId } } }';
const ID = 'ftjob-1';
const variables = { id: ID };

interface Change {
  fineTuningJobStatusChanged: { status: string; job: { id: string; fineTunedModelId: string | null } };
}

/** A gateway that is stopped and started again at the same URL. */
interface Deploy {
  readonly url: string;
  /** Resolves when the second gateway listens. Clients wait for it before they reconnect, so that the test takes no time. */
  readonly restarted: Promise<void>;
}

/**
 * Subscribes until the client says that the subscription is complete. Clients reconnect by their own rules; rejects with the
 * error that they report.
 */
type Follow = (deploy: Deploy, onChange: (change: Change) => void) => Promise<void>;

const socketUrl = (url: string) => url.replace(/^http/, 'ws');

const createSse = ({ url, restarted }: Deploy) => createSseClient({ url, retry: () => restarted });
const createWs = ({ url, restarted }: Deploy) =>
  createWsClient({ url: socketUrl(url), retryWait: () => restarted, lazyCloseTimeout: 0 });

async function readAll(
  results: AsyncIterable<{ data?: unknown; errors?: unknown }>,
  onChange: (change: Change) => void,
): Promise<void> {
  for await (const { data, errors } of results) {
    if (errors) throw new Error(JSON.stringify(errors));
    onChange(data as Change); // The type of the only field of the document.
  }
}

const byApollo = async (link: ApolloLink, onChange: (change: Change) => void) => {
  const client = new ApolloClient({ link, cache: new InMemoryCache() });
  try {
    await client.subscribe<Change>({ query: gql(QUERY), variables }).forEach(({ data, error }) => {
      if (error) throw error;
      if (data) onChange(data);
    });
  } finally {
    client.stop();
  }
};

/** Resolves at the end of a subscription of urql; rejects with its error. */
function byUrql(client: Client, onChange: (change: Change) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    client.subscription<Change>(QUERY, variables).subscribe(({ data, error, hasNext }) => {
      if (error) reject(error);
      else if (!hasNext) resolve();
      else if (data) onChange(data);
    });
  });
}

const urqlWith = (forwardSubscription: SubscriptionForwarder) =>
  new Client({
    url: 'http://unused',
    exchanges: [subscriptionExchange({ forwardSubscription })],
    preferGetMethod: false,
  });

/** Forwards the subscriptions of urql to a client of graphql-sse or graphql-ws. */
const forwardTo =
  ({
    subscribe,
  }:
    | Pick<ReturnType<typeof createSse>, 'subscribe'>
    | Pick<ReturnType<typeof createWs>, 'subscribe'>): SubscriptionForwarder =>
  ({ query = '' }) => ({
    subscribe: (sink) => ({
      unsubscribe: subscribe(
        { query, variables },
        {
          next: (result: unknown) => sink.next(result as Parameters<typeof sink.next>[0]), // The same type, less readonly.
          error: sink.error,
          complete: sink.complete,
        },
      ),
    }),
  });

const clients: Readonly<Record<string, Follow>> = {
  'graphql-sse': async (deploy, onChange) => {
    const client = createSse(deploy);
    await readAll(client.iterate({ query: QUERY, variables }), onChange);
    client.dispose();
  },
  'graphql-ws': async (deploy, onChange) => {
    const client = createWs(deploy);
    await readAll(client.iterate({ query: QUERY, variables }), onChange);
    await client.dispose();
  },
  'Apollo Client over HTTP, with RetryLink': ({ url, restarted }, onChange) => {
    const retry = new RetryLink({
      delay: { initial: 1, jitter: false },
      attempts: async (count, _operation, error) => {
        await restarted;
        return count < 5 && error instanceof TypeError; // The error of `fetch` for a broken connection.
      },
    });
    return byApollo(retry.concat(new HttpLink({ uri: url })), onChange);
  },
  'Apollo Client over a WebSocket': async (deploy, onChange) => {
    const client = createWs(deploy);
    await byApollo(new GraphQLWsLink(client), onChange);
    await client.dispose();
  },
  'urql over graphql-sse': async (deploy, onChange) => {
    const client = createSse(deploy);
    await byUrql(urqlWith(forwardTo(client)), onChange);
    client.dispose();
  },
  'urql over graphql-ws': async (deploy, onChange) => {
    const client = createWs(deploy);
    await byUrql(urqlWith(forwardTo(client)), onChange);
    await client.dispose();
  },
  // The condition of its retryExchange.
  'urql over fetch, subscribed again after a network error': async ({ url, restarted }, onChange) => {
    const client = new Client({ url, exchanges: [fetchExchange], fetchSubscriptions: true, preferGetMethod: false });
    await byUrql(client, onChange).catch(async (error) => {
      if (!error.networkError) throw error;
      await restarted;
      await byUrql(client, onChange);
    });
  },
};

describe('a rolling deploy', () => {
  it('loses no subscriber of any client: each sees the end of the job', async () => {
    await using upstream = await startUpstream();
    upstream.onJob(jobBody({ id: ID, status: 'running' }));
    const settings = { OPENAI_BASE_URL: upstream.baseUrl, OPENAI_API_KEY: 'any-text', POLL_INTERVAL_MS: '100' };
    await using first = startScript('src/main.ts', [], { ...settings, PORT: '0' });
    const [, url = ''] = await first.waitForOutput(/listens on (http:\S+\/graphql)/);
    const restart = Promise.withResolvers<void>();
    const follows = Object.entries(clients);
    const subscribed = createCounter();
    const seen = Object.fromEntries(follows.map(([name]): [string, string[]] => [name, []]));
    const ends = follows.map(([name, follow]) =>
      follow({ url, restarted: restart.promise }, ({ fineTuningJobStatusChanged: { status } }) => {
        if (seen[name]?.push(status) === 1) subscribed.count();
      }),
    );
    await Promise.race([subscribed.reached(follows.length), Promise.all(ends)]);
    first.signal('SIGTERM');
    expect(await first.ended).toBe(0);
    await using second = startScript('src/main.ts', [], { ...settings, PORT: new URL(url).port });
    await second.waitForOutput(/listens on/);
    upstream.onJob(jobBody({ id: ID, status: 'succeeded', fine_tuned_model: 'ft:x' }));
    restart.resolve();
    await Promise.all(ends);
    expect(seen).toEqual(Object.fromEntries(follows.map(([name]) => [name, ['RUNNING', 'SUCCEEDED']])));
  });

  it('is reported as an error to a client that does not reconnect', async () => {
    await using upstream = await startUpstream();
    upstream.onJob(jobBody({ id: ID, status: 'running' }));
    const settings = { OPENAI_BASE_URL: upstream.baseUrl, OPENAI_API_KEY: 'any-text' };
    await using gateway = startScript('src/main.ts', [], { ...settings, PORT: '0' });
    const [, url = ''] = await gateway.waitForOutput(/listens on (http:\S+\/graphql)/);
    const subscribed = createCounter();
    const onChange = () => subscribed.count();
    const urql = new Client({ url, exchanges: [fetchExchange], fetchSubscriptions: true, preferGetMethod: false });
    const ends = [byApollo(new HttpLink({ uri: url }), onChange), byUrql(urql, onChange)].map((end) =>
      end.then(
        () => 'complete',
        (error) => String(error),
      ),
    );
    await subscribed.reached(ends.length);
    gateway.signal('SIGTERM');
    expect(await Promise.all(ends)).toEqual([
      expect.stringMatching(/TypeError: terminated/),
      expect.stringMatching(/\[Network\] terminated/),
    ]);
    expect(await gateway.ended).toBe(0);
  });
});
