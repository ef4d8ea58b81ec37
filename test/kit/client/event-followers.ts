import { ApolloClient, CombinedGraphQLErrors, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { createClient as createSseClient } from 'graphql-sse';
import { createClient as createWsClient } from 'graphql-ws';

const QUERY = `subscription Events($id: ID!, $since: ID, $fromStart: Boolean) {
  fineTuningJobEventAdded(jobId: $id, since: $since, fromStart: $fromStart) { event { id } }
}`;
const MAX_RECONNECTS = 10;

interface Added {
  readonly fineTuningJobEventAdded: { readonly event: { readonly id: string } };
}

interface Result {
  readonly data?: unknown;
  readonly errors?: unknown;
}

/** Subscribes once. Resolves when `isLast` returns true; rejects when the connection breaks. */
type Subscribe = (
  url: string,
  variables: Record<string, unknown>,
  isLast: (result: Result) => boolean,
) => Promise<void>;

/**
 * Subscribes to the events of a job from the first one, until `isLast` returns true. Reconnects with `since`, as
 * docs/clients.md says.
 */
export type FollowEvents = (url: string, jobId: string, isLast: (eventId: string) => boolean) => Promise<void>;

const resuming =
  (subscribe: Subscribe): FollowEvents =>
  async (url, id, isLast) => {
    let since: string | undefined;
    let refusal: Error | undefined;
    const isLastResult = ({ data, errors }: Result) => {
      if (errors) {
        refusal = new Error(JSON.stringify(errors));
        throw refusal;
      }
      since = (data as Added).fineTuningJobEventAdded.event.id; // The type of the only field of the document.
      return isLast(since);
    };
    for (let reconnects = 0; ; reconnects++) {
      const start = since === undefined ? { fromStart: true } : { since };
      try {
        return await subscribe(url, { id, ...start }, isLastResult);
      } catch (error) {
        if (refusal || reconnects === MAX_RECONNECTS) throw error;
      }
    }
  };

async function readUntilLast(results: AsyncIterable<Result>, isLast: (result: Result) => boolean): Promise<void> {
  for await (const result of results) if (isLast(result)) return;
}

/** One client of each transport. */
export const eventFollowers: Readonly<Record<string, FollowEvents>> = {
  'graphql-sse': resuming(async (url, variables, isLast) => {
    const client = createSseClient({ url, retryAttempts: 0 });
    await readUntilLast(client.iterate({ query: QUERY, variables }), isLast);
  }),
  'graphql-ws': resuming(async (url, variables, isLast) => {
    const client = createWsClient({ url: url.replace(/^http/, 'ws'), retryAttempts: 0, lazyCloseTimeout: 0 });
    await readUntilLast(client.iterate({ query: QUERY, variables }), isLast);
  }),
  'Apollo Client over HTTP': resuming((url, variables, isLast) => {
    const client = new ApolloClient({ link: new HttpLink({ uri: url }), cache: new InMemoryCache() });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const subscription = client.subscribe({ query: gql(QUERY), variables }).subscribe(({ data, error }) => {
      if (error && !CombinedGraphQLErrors.is(error)) return reject(error);
      try {
        if (isLast({ data, errors: error?.message })) resolve();
      } catch (refusal) {
        reject(refusal);
      }
    });
    return promise.finally(() => subscription.unsubscribe());
  }),
};
