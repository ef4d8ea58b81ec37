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

/** The subscription of every client. */
export const WATCH_JOB = `subscription WatchJobSubscription($id: ID!) {
  fineTuningJobStatusChanged(jobId: $id) {
    status
    previousStatus
    job { id status progress { fraction } }
  }
}`;

/** A result of the subscription. */
export interface JobChange {
  fineTuningJobStatusChanged: {
    status: string;
    previousStatus: string | null;
    job: { id: string; status: string; progress: { fraction: number | null } | null };
  };
}

/**
 * Subscribes to a job with a client, and passes on each change. Resolves when the client reports that the subscription is
 * complete. Rejects with the messages of the errors that it reports.
 */
export type Subscribe = (url: string, id: string, onChange: (change: JobChange) => void) => Promise<void>;

interface Result {
  data?: JobChange | null | undefined;
  errors?: readonly { message: string }[] | undefined;
}

function handleResult(onChange: (change: JobChange) => void, { data, errors }: Result): void {
  if (errors) throw new Error(errors.map(({ message }) => message).join());
  if (data) onChange(data);
}

const socketUrl = (url: string) => url.replace(/^http/, 'ws');

const byGraphqlSse: Subscribe = async (url, id, onChange) => {
  const client = createSseClient({ url, retryAttempts: 0 });
  try {
    const results = client.iterate<JobChange>({ query: WATCH_JOB, variables: { id } });
    for await (const result of results) handleResult(onChange, result);
  } finally {
    client.dispose();
  }
};

const byGraphqlWs: Subscribe = async (url, id, onChange) => {
  const client = createWsClient({ url: socketUrl(url), retryAttempts: 0 });
  try {
    const results = client.iterate<JobChange>({ query: WATCH_JOB, variables: { id } });
    for await (const result of results) handleResult(onChange, result);
  } finally {
    await client.dispose();
  }
};

async function byApollo(link: ApolloLink, id: string, onChange: (change: JobChange) => void): Promise<void> {
  const client = new ApolloClient({ link, cache: new InMemoryCache() });
  const changes = client.subscribe<JobChange>({ query: gql(WATCH_JOB), variables: { id } });
  try {
    await changes.forEach(({ data, error }) => {
      if (error) throw error;
      if (data) onChange(data);
    });
  } finally {
    client.stop();
  }
}

const byApolloOverHttp: Subscribe = (url, id, onChange) => byApollo(new HttpLink({ uri: url }), id, onChange);

const byApolloOverWs: Subscribe = async (url, id, onChange) => {
  const socket = createWsClient({ url: socketUrl(url), retryAttempts: 0 });
  await byApollo(new GraphQLWsLink(socket), id, onChange);
  await socket.dispose();
};

const byUrql: Subscribe = (url, id, onChange) => {
  const client = new Client({ url, exchanges: [fetchExchange], fetchSubscriptions: true, preferGetMethod: false });
  return new Promise((resolve, reject) => {
    client.subscription<JobChange>(WATCH_JOB, { id }).subscribe((result) => {
      if (result.error) reject(result.error);
      else if (!result.hasNext)
        resolve(); // The last result is repeated with `hasNext: false`.
      else if (result.data) onChange(result.data);
    });
  });
};

/** Creates the function for Relay. `artifact` is the output of the Relay compiler for `WATCH_JOB`. */
export function createRelaySubscribe(artifact: ConcreteRequest): Subscribe {
  return (url, id, onChange) => {
    const client = createSseClient({ url, retryAttempts: 0 });
    const subscribe = ({ text, name }: RequestParameters, variables: Variables) =>
      Observable.create<GraphQLResponse>((sink) =>
        client.subscribe(
          { query: text ?? '', operationName: name, variables },
          {
            next: (result) => sink.next(result as GraphQLResponse), // The same type, except for readonly.
            error: (error) => sink.error(error instanceof Error ? error : new Error(String(error))),
            complete: () => sink.complete(),
          },
        ),
      );
    const network = Network.create(() => Promise.reject(new Error('expected no query')), subscribe);
    const environment = new Environment({ network, store: new Store(new RecordSource()) });
    return new Promise<void>((resolve, reject) => {
      requestSubscription(environment, {
        subscription: artifact,
        variables: { id },
        onNext: (data) => onChange(data as JobChange),
        onError: reject,
        onCompleted: () => resolve(),
      });
    }).finally(() => client.dispose());
  };
}

export const subscribeFunctions: Readonly<Record<string, Subscribe>> = {
  'graphql-ws': byGraphqlWs,
  'graphql-sse': byGraphqlSse,
  'Apollo Client, over HTTP': byApolloOverHttp,
  'Apollo Client, over a WebSocket': byApolloOverWs,
  urql: byUrql,
};
