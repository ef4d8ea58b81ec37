import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ApolloClient, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createCounter } from '../kit/counter.ts';
import { type Life, living, looking, SEEDS, startLife } from '../kit/gateway/job-life.ts';
import { makeFolder } from '../kit/process/folder.ts';
import { runTool } from '../kit/process/tool.ts';
import { createRelayFollow, type Follow, follows, type JobChange, WATCH_JOB } from './followers.ts';

/** When a client leaves a log, and how long it is away. */
const SEEN_AT_FIRST = 4;
const AWAY_MS = 500_000;

/** Follows the job to its end, and gives what the client was told, or what it says is wrong. */
async function followToEnd(follow: Follow, life: Life): Promise<JobChange[]> {
  const seen: JobChange[] = [];
  await living(life, (begin) =>
    follow(life.gateway.url, life.id, (change) => {
      seen.push(change);
      begin();
    }),
  );
  return seen;
}

/** What a client is told of a job that takes these statuses. */
const changesOf = (id: string, statuses: readonly string[]) =>
  statuses.map((status, index) => ({
    fineTuningJobStatusChanged: {
      status,
      previousStatus: statuses[index - 1] ?? null,
      job: { id, status },
    },
  }));

/** Relay wants its subscription compiled. */
async function relayFollow(): Promise<Follow> {
  const config = { src: 'src', schema: 'schema.graphql', language: 'javascript', eagerEsModules: true };
  const folder = makeFolder({
    'relay.config.json': JSON.stringify(config),
    'schema.graphql': readFileSync('schema.graphql', 'utf8'),
    'src/WatchJob.js': `graphql\`${WATCH_JOB}\`;`,
  });
  const { exitCode, output } = await runTool('relay-compiler/cli.js', ['relay.config.json'], folder);
  expect(exitCode, output).toBe(0);
  const artifact = await import(join(folder, 'src/__generated__/WatchJobSubscription.graphql.js'));
  return createRelayFollow(artifact.default);
}

const clients: [name: string, follow: () => Promise<Follow>][] = [
  ...Object.entries(follows).map(([name, follow]): [string, () => Promise<Follow>] => [name, async () => follow]),
  ['Relay, over graphql-sse', relayFollow],
];

describe.each(clients)('%s', (_name, getFollow) => {
  it('is told of every status of a job, and that it is complete', async () => {
    const follow = await getFollow();
    await using life = await startLife(SEEDS.succeeded);
    const seen = await followToEnd(follow, life);
    expect(seen).toMatchObject(changesOf(life.id, ['VALIDATING_FILES', 'QUEUED', 'RUNNING', 'SUCCEEDED']));
  });

  it('is told that there is no such job', async () => {
    const follow = await getFollow();
    await using life = await startLife(SEEDS.failed);
    await expect(followToEnd(follow, { ...life, id: 'ftjob-none' })).rejects.toThrow('jobId: is not the id of a job');
  });
});

describe('clients of all kinds', () => {
  it('are told of the same job together, each that it has failed', async () => {
    const all = await Promise.all(clients.map(([, getFollow]) => getFollow()));
    await using life = await startLife(SEEDS.failed);
    const { gateway, id } = life;
    const arrivals = createCounter();
    const seen = all.map((): JobChange[] => []);
    await living(life, (begin) => {
      void arrivals.reached(all.length).then(begin);
      const take = (changes: JobChange[] | undefined) => (change: JobChange) => {
        if (changes?.push(change) === 1) arrivals.count();
      };
      return Promise.all(all.map((follow, index) => follow(gateway.url, id, take(seen[index]))));
    });
    for (const changes of seen) expect(changes).toMatchObject(changesOf(id, ['VALIDATING_FILES', 'FAILED']));
  });
});

/** Apollo Client as apps have it, and what it has asked for. */
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

/** The ids of a job's whole log, oldest first. */
async function wholeLog({ gateway, id }: Life): Promise<string[]> {
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
  it('shows in a query what its subscription brings, and asks for other things meanwhile', async () => {
    await using life = await startLife(SEEDS.succeeded);
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
    const asked: Promise<unknown>[] = [];
    const follow: Follow = (_url, id, take) =>
      client.subscribe<JobChange>({ query: gql(WATCH_JOB), variables: { id } }).forEach(({ data }) => {
        if (data) take(data);
        if (data?.fineTuningJobStatusChanged.status === 'RUNNING') asked.push(client.query({ query: GATEWAY }));
      });
    await followToEnd(follow, life);
    await end.promise;
    expect(await Promise.all(asked)).toMatchObject([{ data: { gateway: { isSandbox: false } } }]);
    expect(shown).toEqual(['VALIDATING_FILES', 'QUEUED', 'RUNNING', 'SUCCEEDED']);
    expect(requests).toEqual(['Job', 'WatchJobSubscription', 'Gateway']);
  });

  it('goes on behind the event that it has seen last when it comes back', async () => {
    await using life = await startLife(SEEDS.succeeded);
    const { clock, id } = life;
    const { client } = openApollo(life.gateway.url);
    const seen: string[] = [];
    const take = ({ data, error }: ApolloClient.SubscribeResult<Added>) => {
      if (error) throw error;
      if (data) seen.push(data.fineTuningJobEventAdded.event.id);
    };
    const some = new Promise<void>((resolve, reject) => {
      const log = client.subscribe<Added>({ query: LOG, variables: { id, fromStart: true } }).subscribe({
        next(result) {
          take(result);
          if (seen.length < SEEN_AT_FIRST) return;
          log.unsubscribe();
          resolve();
        },
        error: reject,
      });
    });
    await looking(life, some);
    expect(seen).toHaveLength(SEEN_AT_FIRST);
    clock.advance(AWAY_MS);
    const rest = client.subscribe<Added>({ query: LOG, variables: { id, since: seen.at(-1) } });
    await looking(life, rest.forEach(take));
    expect(seen).toEqual(await wholeLog(life));
    expect(seen.length).toBeGreaterThan(2 * SEEN_AT_FIRST);
  });
});
