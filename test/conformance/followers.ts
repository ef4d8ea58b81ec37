import { ApolloClient, type ApolloLink, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { Client, fetchExchange } from '@urql/core';
import { createClient as createSseClient } from 'graphql-sse';
import { createClient as createWsClient } from 'graphql-ws';
import {
  type ConcreteRequest,
  Environment,
  type GraphQLResponse,
  Network,
  Observable,
  RecordSource,
  type RequestParameters,
  requestSubscription,
  Store,
  type Variables,
} from 'relay-runtime';

/** What is followed, as each client is told. */
export const WATCH_JOB = `subscription WatchJobSubscription($id: ID!) {
  fineTuningJobStatusChanged(jobId: $id) {
    status
    previousStatus
    job { id status progress { fraction } }
  }
}`;

/** What comes of it. */
export interface JobChange {
  fineTuningJobStatusChanged: {
    status: string;
    previousStatus: string | null;
    job: { id: string; status: string; progress: { fraction: number | null } | null };
  };
}

/**
 * Follows a job by a client, from its making to its end. Resolves when the client says that it is complete; rejects
 * with the errors' message when it says that there are some.
 */
export type Follow = (url: string, id: string, take: (change: JobChange) => void) => Promise<void>;

interface Result {
  data?: JobChange | null | undefined;
  errors?: readonly { message: string }[] | undefined;
}

function takeResult(take: (change: JobChange) => void, { data, errors }: Result): void {
  if (errors) throw new Error(errors.map(({ message }) => message).join());
  if (data) take(data);
}

const socketUrl = (url: string) => url.replace(/^http/, 'ws');

const byGraphqlSse: Follow = async (url, id, take) => {
  const client = createSseClient({ url, retryAttempts: 0 });
  try {
    const results = client.iterate<JobChange>({ query: WATCH_JOB, variables: { id } });
    for await (const result of results) takeResult(take, result);
  } finally {
    client.dispose();
  }
};

const byGraphqlWs: Follow = async (url, id, take) => {
  const client = createWsClient({ url: socketUrl(url), retryAttempts: 0 });
  try {
    const results = client.iterate<JobChange>({ query: WATCH_JOB, variables: { id } });
    for await (const result of results) takeResult(take, result);
  } finally {
    await client.dispose();
  }
};

async function byApollo(link: ApolloLink, id: string, take: (change: JobChange) => void): Promise<void> {
  const client = new ApolloClient({ link, cache: new InMemoryCache() });
  const changes = client.subscribe<JobChange>({ query: gql(WATCH_JOB), variables: { id } });
  try {
    await changes.forEach(({ data, error }) => {
      if (error) throw error;
      if (data) take(data);
    });
  } finally {
    client.stop();
  }
}

const byApolloOverHttp: Follow = (url, id, take) => byApollo(new HttpLink({ uri: url }), id, take);

const byApolloOverWs: Follow = async (url, id, take) => {
  const socket = createWsClient({ url: socketUrl(url), retryAttempts: 0 });
  await byApollo(new GraphQLWsLink(socket), id, take);
  await socket.dispose();
};

const byUrql: Follow = (url, id, take) => {
  const client = new Client({ url, exchanges: [fetchExchange], fetchSubscriptions: true, preferGetMethod: false });
  return new Promise((resolve, reject) => {
    client.subscription<JobChange>(WATCH_JOB, { id }).subscribe((result) => {
      if (result.error) reject(result.error);
      else if (!result.hasNext)
        resolve(); // The last result comes once more, with that.
      else if (result.data) take(result.data);
    });
  });
};

/** `artifact` is what the Relay compiler makes of `WATCH_JOB`. */
export function createRelayFollow(artifact: ConcreteRequest): Follow {
  return (url, id, take) => {
    const client = createSseClient({ url, retryAttempts: 0 });
    const subscribe = ({ text, name }: RequestParameters, variables: Variables) =>
      Observable.create<GraphQLResponse>((sink) =>
        client.subscribe(
          { query: text ?? '', operationName: name, variables },
          {
            next: (result) => sink.next(result as GraphQLResponse), // The same, but not read-only.
            error: (error) => sink.error(error instanceof Error ? error : new Error(String(error))),
            complete: () => sink.complete(),
          },
        ),
      );
    const network = Network.create(() => Promise.reject(new Error('expected to be asked for no query')), subscribe);
    const environment = new Environment({ network, store: new Store(new RecordSource()) });
    return new Promise<void>((resolve, reject) => {
      requestSubscription(environment, {
        subscription: artifact,
        variables: { id },
        onNext: (data) => take(data as JobChange),
        onError: reject,
        onCompleted: () => resolve(),
      });
    }).finally(() => client.dispose());
  };
}

export const follows: Readonly<Record<string, Follow>> = {
  'graphql-ws': byGraphqlWs,
  'graphql-sse': byGraphqlSse,
  'Apollo Client, over HTTP': byApolloOverHttp,
  'Apollo Client, over a WebSocket': byApolloOverWs,
  urql: byUrql,
};
