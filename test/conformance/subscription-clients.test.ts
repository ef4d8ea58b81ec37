import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ApolloClient, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createCounter } from '../kit/counter.ts';
import { advancePolls, type JobLifecycle, runFollower, SEEDS, startJobLifecycle } from '../kit/gateway/job-life.ts';
import { makeFolder } from '../kit/process/folder.ts';
import { runTool } from '../kit/process/tool.ts';
import {
  createRelaySubscribe,
  type JobChange,
  type Subscribe,
  subscribeFunctions,
  WATCH_JOB,
} from './subscription-clients.ts';

/** A client disconnects after this number of events, for this time. */
const EVENTS_BEFORE_BREAK = 4;
const BREAK_MS = 500_000;

/** Subscribes until the job ends, and returns the changes. Rejects with the error that the client reports. */
async function changesUntilEnd(subscribe: Subscribe, life: JobLifecycle): Promise<JobChange[]> {
  const changes: JobChange[] = [];
  await runFollower(life, (onStart) =>
    subscribe(life.gateway.url, life.id, (change) => {
      changes.push(change);
      onStart();
    }),
  );
  return changes;
}

/** The changes of a job with these statuses. */
const changesOf = (id: string, statuses: readonly string[]) =>
  statuses.map((status, index) => ({
    fineTuningJobStatusChanged: {
      status,
      previousStatus: statuses[index - 1] ?? null,
      job: { id, status },
    },
  }));

/** Compiles the subscription of Relay. */
async function relaySubscribe(): Promise<Subscribe> {
  const config = { src: 'src', schema: 'schema.graphql', language: 'javascript', eagerEsModules: true };
  const folder = makeFolder({
    'relay.config.json': JSON.stringify(config),
    'schema.graphql': readFileSync('schema.graphql', 'utf8'),
    'src/WatchJob.js': `graphql\`${WATCH_JOB}\`;`,
  });
  const { exitCode, output } = await runTool('relay-compiler/cli.js', ['relay.config.json'], folder);
  expect(exitCode, output).toBe(0);
  const artifact = await import(join(folder, 'src/__generated__/WatchJobSubscription.graphql.js'));
  return createRelaySubscribe(artifact.default);
}

const clients: [name: string, getSubscribe: () => Promise<Subscribe>][] = [
  ...Object.entries(subscribeFunctions).map(([name, subscribe]): [string, () => Promise<Subscribe>] => [
    name,
    async () => subscribe,
  ]),
  ['Relay, over graphql-sse', relaySubscribe],
];

describe.each(clients)('%s', (_name, getSubscribe) => {
  it('receives every status of a job, and the completion', async () => {
    const subscribe = await getSubscribe();
    await using life = await startJobLifecycle(SEEDS.succeeded);
    expect(await changesUntilEnd(subscribe, life)).toMatchObject(
      changesOf(life.id, ['VALIDATING_FILES', 'QUEUED', 'RUNNING', 'SUCCEEDED']),
    );
  });

  it('receives the error for a job that does not exist', async () => {
    const subscribe = await getSubscribe();
    await using life = await startJobLifecycle(SEEDS.failed);
    await expect(changesUntilEnd(subscribe, { ...life, id: 'ftjob-none' })).rejects.toThrow(
      'jobId: is not the id of a job',
    );
  });
});

describe('clients of all kinds', () => {
  it('receive the changes of the same job together', async () => {
    const all = await Promise.all(clients.map(([, getSubscribe]) => getSubscribe()));
    await using life = await startJobLifecycle(SEEDS.failed);
    const { gateway, id } = life;
    const arrivals = createCounter();
    const received = all.map((): JobChange[] => []);
    await runFollower(life, (onStart) => {
      void arrivals.reached(all.length).then(onStart);
      const collect = (changes: JobChange[] | undefined) => (change: JobChange) => {
        if (changes?.push(change) === 1) arrivals.count();
      };
      return Promise.all(all.map((subscribe, index) => subscribe(gateway.url, id, collect(received[index]))));
    });
    for (const changes of received) expect(changes).toMatchObject(changesOf(id, ['VALIDATING_FILES', 'FAILED']));
  });
});

/** Apollo Client as in an app, and the names of the operations that it sent. */
function openApollo(url: string) {
  const requests: string[] = [];
  const send: typeof fetch = (input, init) => {
    requests.push(JSON.parse(String(init?.body)).operationName);
    return fetch(input, init);
  };
  const client = new ApolloClient({ link: new HttpLink({ uri: url, fetch: send }), cache: new InMemoryCache() });
  onTestFinished(() => client.stop());
  return { client, requests };
}

const JOB = gql`query Job($id: ID!) { fineTuningJob(id: $id) { id status } }`;
const GATEWAY = gql`query Gateway { gateway { isSandbox } }`;
const LOG = gql`
  subscription Log($id: ID!, $since: ID, $fromStart: Boolean) {
    fineTuningJobEventAdded(jobId: $id, since: $since, fromStart: $fromStart) { event { id } }
  }
`;
const EVENTS = `query Events($id: ID!, $after: String) {
  fineTuningJob(id: $id) { events(first: 100, after: $after) { edges { node { id } } pageInfo { hasNextPage endCursor } } }
}`;

interface Added {
  fineTuningJobEventAdded: { event: { id: string } };
}

/** The ids of all events of a job, oldest first. */
async function eventIds({ gateway, id }: JobLifecycle): Promise<string[]> {
  const ids: string[] = [];
  let after: string | null = null;
  do {
    const { data } = await gateway.query(EVENTS, { id, after });
    const { edges, pageInfo } = Object(data)['fineTuningJob'].events;
    for (const { node } of edges) ids.unshift(node.id);
    after = pageInfo.hasNextPage ? pageInfo.endCursor : null;
  } while (after !== null);
  return ids;
}

describe('Apollo Client in an app', () => {
  it('updates a query from a subscription, and sends other queries at the same time', async () => {
    await using life = await startJobLifecycle(SEEDS.succeeded);
    const { client, requests } = openApollo(life.gateway.url);
    const variables = { id: life.id };
    await client.query({ query: JOB, variables });
    const shown: string[] = [];
    const end = Promise.withResolvers<void>();
    client
      .watchQuery<{ fineTuningJob: { status: string } }>({ query: JOB, variables })
      .subscribe(({ data, dataState }) => {
        if (dataState === 'complete') shown.push(data.fineTuningJob.status);
        if (shown.at(-1) === 'SUCCEEDED') end.resolve();
      });
    const responses: Promise<unknown>[] = [];
    const subscribe: Subscribe = (_url, id, onChange) =>
      client.subscribe<JobChange>({ query: gql(WATCH_JOB), variables: { id } }).forEach(({ data }) => {
        if (data) onChange(data);
        if (data?.fineTuningJobStatusChanged.status === 'RUNNING') responses.push(client.query({ query: GATEWAY }));
      });
    await changesUntilEnd(subscribe, life);
    await end.promise;
    expect(await Promise.all(responses)).toMatchObject([{ data: { gateway: { isSandbox: false } } }]);
    expect(shown).toEqual(['VALIDATING_FILES', 'QUEUED', 'RUNNING', 'SUCCEEDED']);
    expect(requests).toEqual(['Job', 'WatchJobSubscription', 'Gateway']);
  });

  it('continues after the last event that it received when it reconnects', async () => {
    await using life = await startJobLifecycle(SEEDS.succeeded);
    const { clock, id } = life;
    const { client } = openApollo(life.gateway.url);
    const received: string[] = [];
    const collect = ({ data, error }: ApolloClient.SubscribeResult<Added>) => {
      if (error) throw error;
      if (data) received.push(data.fineTuningJobEventAdded.event.id);
    };
    const firstEvents = new Promise<void>((resolve, reject) => {
      const log = client.subscribe<Added>({ query: LOG, variables: { id, fromStart: true } }).subscribe({
        next(result) {
          collect(result);
          if (received.length < EVENTS_BEFORE_BREAK) return;
          log.unsubscribe();
          resolve();
        },
        error: reject,
      });
    });
    await advancePolls(life, firstEvents);
    expect(received).toHaveLength(EVENTS_BEFORE_BREAK);
    clock.advance(BREAK_MS);
    const rest = client.subscribe<Added>({ query: LOG, variables: { id, since: received.at(-1) } });
    await advancePolls(life, rest.forEach(collect));
    expect(received).toEqual(await eventIds(life));
    expect(received.length).toBeGreaterThan(2 * EVENTS_BEFORE_BREAK);
  });
});
