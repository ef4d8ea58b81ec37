import { ApolloClient, type ApolloLink, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { RetryLink } from '@apollo/client/link/retry';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { Client, fetchExchange, type SubscriptionForwarder, subscriptionExchange } from '@urql/core';
import { createClient as createSseClient } from 'graphql-sse';
import { createClient as createWsClient } from 'graphql-ws';

const QUERY = `subscription Watch($id: ID!) {
  fineTuningJobStatusChanged(jobId: $id) { status job { id fineTunedModelId trainedTokens } }
}`;

export interface Change {
  readonly fineTuningJobStatusChanged: {
    readonly status: string;
    readonly job: {
      readonly id: string;
      readonly fineTunedModelId: string | null;
      readonly trainedTokens: number | null;
    };
  };
}

type OnChange = (change: Change) => void;

/** A job behind gateways that stop and start. */
export interface FollowedJob {
  readonly url: string;
  readonly id: string;
  /** Resolves when clients reconnect. Without it they have the delays of their libraries. */
  readonly beforeRetry?: () => Promise<void>;
}

/**
 * Subscribes until the client says that the subscription is complete. Clients reconnect by their own rules; rejects with the
 * error that they report.
 */
export type Follow = (job: FollowedJob, onChange: OnChange) => Promise<void>;

const createSse = ({ url, beforeRetry }: FollowedJob) =>
  createSseClient({ url, ...(beforeRetry && { retry: beforeRetry }) });
const createWs = ({ url, beforeRetry }: FollowedJob) =>
  createWsClient({
    url: url.replace(/^http/, 'ws'),
    lazyCloseTimeout: 0,
    ...(beforeRetry && { retryWait: beforeRetry }),
  });

async function readAll(
  results: AsyncIterable<{ data?: unknown; errors?: unknown }>,
  onChange: OnChange,
): Promise<void> {
  for await (const { data, errors } of results) {
    if (errors) throw new Error(JSON.stringify(errors));
    onChange(data as Change); // The type of the only field of the document.
  }
}

export async function followByApollo(link: ApolloLink, id: string, onChange: OnChange): Promise<void> {
  const client = new ApolloClient({ link, cache: new InMemoryCache() });
  try {
    await client.subscribe<Change>({ query: gql(QUERY), variables: { id } }).forEach(({ data, error }) => {
      if (error) throw error;
      if (data) onChange(data);
    });
  } finally {
    client.stop();
  }
}

/** Resolves at the end of a subscription of urql; rejects with its error. */
export function followByUrql(client: Client, id: string, onChange: OnChange): Promise<void> {
  return new Promise((resolve, reject) => {
    client.subscription<Change>(QUERY, { id }).subscribe(({ data, error, hasNext }) => {
      if (error) reject(error);
      else if (!hasNext) resolve();
      else if (data) onChange(data);
    });
  });
}

/** Reads subscriptions over server-sent events. */
export const createUrql = (url: string) =>
  new Client({ url, exchanges: [fetchExchange], fetchSubscriptions: true, preferGetMethod: false });

const createUrqlOver = (forwardSubscription: SubscriptionForwarder) =>
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
  ({ query = '', variables }) => ({
    subscribe: (sink) => ({
      unsubscribe: subscribe(
        { query, variables: { ...variables } },
        {
          next: (result: unknown) => sink.next(result as Parameters<typeof sink.next>[0]), // The same type, less readonly.
          error: sink.error,
          complete: sink.complete,
        },
      ),
    }),
  });

/** The clients of docs/clients.md that subscribe again by themselves. */
export const followers: Readonly<Record<string, Follow>> = {
  'graphql-sse': async (job, onChange) => {
    const client = createSse(job);
    await readAll(client.iterate({ query: QUERY, variables: { id: job.id } }), onChange);
    client.dispose();
  },
  'graphql-ws': async (job, onChange) => {
    const client = createWs(job);
    await readAll(client.iterate({ query: QUERY, variables: { id: job.id } }), onChange);
    await client.dispose();
  },
  'Apollo Client over HTTP, with RetryLink': ({ url, id, beforeRetry }, onChange) => {
    const retry = new RetryLink({
      delay: beforeRetry ? { initial: 1, jitter: false } : { initial: 300, jitter: true },
      attempts: async (count, _operation, error) => {
        await beforeRetry?.();
        return count < 5 && error instanceof TypeError; // The error of `fetch` for a broken connection.
      },
    });
    return followByApollo(retry.concat(new HttpLink({ uri: url })), id, onChange);
  },
  'Apollo Client over a WebSocket': async (job, onChange) => {
    const client = createWs(job);
    await followByApollo(new GraphQLWsLink(client), job.id, onChange);
    await client.dispose();
  },
  'urql over graphql-sse': async (job, onChange) => {
    const client = createSse(job);
    await followByUrql(createUrqlOver(forwardTo(client)), job.id, onChange);
    client.dispose();
  },
  'urql over graphql-ws': async (job, onChange) => {
    const client = createWs(job);
    await followByUrql(createUrqlOver(forwardTo(client)), job.id, onChange);
    await client.dispose();
  },
  // The condition of its retryExchange.
  'urql over fetch, subscribed again after a network error': async ({ url, id, beforeRetry }, onChange) => {
    const client = createUrql(url);
    for (let isOver = false; !isOver; ) {
      isOver = await followByUrql(client, id, onChange).then(
        () => true,
        async (error) => {
          if (!error.networkError) throw error;
          await beforeRetry?.();
          return false;
        },
      );
    }
  },
};
