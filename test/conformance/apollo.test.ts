import { readFileSync } from 'node:fs';
import { ApolloClient, gql, HttpLink } from '@apollo/client';
import { buildSchema, isAbstractType } from 'graphql';
import { filter, firstValueFrom } from 'rxjs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createCache } from '../../docs/examples/apollo-cache.ts';
import { jobBody } from '../kit/bodies/job.ts';
import { startGateway } from '../kit/gateway/gateway.ts';
import { startUpstream } from '../kit/gateway/upstream.ts';

interface Page {
  fineTuningJobs: {
    edges: { node: { id: string; status: string } }[];
    pageInfo: { hasNextPage: boolean; endCursor: string };
  };
}

const JOBS = gql`
  query Jobs($first: Int, $filter: FineTuningJobFilter, $after: String) {
    fineTuningJobs(first: $first, filter: $filter, after: $after) {
      edges { node { id status } }
      pageInfo { hasNextPage endCursor }
    }
  }
`;

/** Apollo Client with the sample cache, on a gateway of its own. */
async function openClient(settings: Record<string, string> = {}) {
  const gateway = await startGateway(settings);
  onTestFinished(() => gateway[Symbol.asyncDispose]());
  const cache = createCache();
  const client = new ApolloClient({ cache, link: new HttpLink({ uri: gateway.url }) });
  onTestFinished(() => client.stop());
  return { client, cache, gateway };
}

/** A list as in a component: the items that it shows, and a function that loads the next page. */
async function openList(client: ApolloClient, variables: Record<string, unknown>) {
  const query = client.watchQuery<Page>({ query: JOBS, variables });
  let current: Page['fineTuningJobs'] | undefined;
  const subscription = query.subscribe(({ data, dataState }) => {
    if (dataState === 'complete') current = data.fineTuningJobs;
  });
  onTestFinished(() => subscription.unsubscribe());
  const list = () => {
    if (current === undefined) throw new Error('list: expected a result');
    return current;
  };
  const nextPage = (matches: (page: Page['fineTuningJobs']) => boolean) =>
    firstValueFrom(
      query.pipe(filter((result) => result.dataState === 'complete' && matches(result.data.fineTuningJobs))),
    );
  await nextPage(() => true);
  return {
    ids: () => list().edges.map(({ node }) => node.id),
    pageInfo: () => list().pageInfo,
    async loadMore() {
      const after = list().pageInfo.endCursor;
      await Promise.all([
        query.fetchMore({ variables: { after } }),
        nextPage(({ pageInfo }) => pageInfo.endCursor !== after),
      ]);
    },
  };
}

describe('Apollo Client, with the sample cache of the README', () => {
  it('knows the members of every interface and union of the schema', async () => {
    const { config } = createCache() as unknown as { config: { possibleTypes: Record<string, string[]> } }; // The types hide it.
    const schema = buildSchema(readFileSync('schema.graphql', 'utf8'));
    const abstract = Object.values(schema.getTypeMap()).filter(isAbstractType);
    const members = abstract.map((type) => [type.name, schema.getPossibleTypes(type).map(String).sort()]);
    const configured = Object.entries(config.possibleTypes).map(([name, names]) => [name, names.toSorted()]);
    expect(Object.fromEntries(configured)).toEqual(Object.fromEntries(members));
  });

  it('appends the next page to a list', async () => {
    const { client, gateway } = await openClient();
    const list = await openList(client, { first: 5 });
    const firstPage = list.ids();
    expect(firstPage).toHaveLength(5);
    await list.loadMore();
    expect(list.ids()).toHaveLength(10);
    expect(list.ids().slice(0, 5)).toEqual(firstPage);
    expect(new Set(list.ids()).size).toBe(10);
    const { data } = await gateway.query('{ fineTuningJobs(first: 30) { edges { node { id } } } }');
    const ids = (data as Partial<Page>).fineTuningJobs?.edges.map(({ node }) => node.id) ?? []; // The selection of the query.
    const start = ids.indexOf(list.ids()[0] ?? ''); // The sandbox may have created jobs since.
    expect(ids.slice(start, start + 10)).toEqual(list.ids());
  });

  it('caches a job once, by its type and id', async () => {
    const { client, cache } = await openClient();
    const [id = ''] = (await openList(client, { first: 3 })).ids();
    expect(id).toMatch(/^ftjob-/);
    await client.query({
      query: gql`query ($id: ID!) { node(id: $id) { ... on FineTuningJob { modelId } } }`,
      variables: { id },
    });
    const cached = cache.extract()[`FineTuningJob:${id}`];
    expect(cached).toMatchObject({ id, status: expect.any(String) });
    expect(Object.keys(cache.extract()).filter((key) => key.endsWith(id))).toHaveLength(1);
  });

  it('caches lists with different filters separately', async () => {
    const { client } = await openClient();
    const failed = await openList(client, { first: 3, filter: { statuses: ['FAILED'] } });
    const cancelled = await openList(client, { first: 3, filter: { statuses: ['CANCELLED'] } });
    await failed.loadMore();
    expect(failed.ids().length).toBeGreaterThan(3);
    expect(cancelled.ids()).toHaveLength(3);
    expect(failed.ids().filter((id) => cancelled.ids().includes(id))).toEqual([]);
  });

  it('loads pages after an empty one, until there is no next page', async () => {
    await using upstream = await startUpstream();
    const running = Array.from({ length: 1200 }, (_, index) => jobBody({ id: `ftjob-${index}` }));
    upstream.onJobs([...running, jobBody({ id: 'ftjob-last', status: 'failed' })]);
    const { client } = await openClient({ OPENAI_BASE_URL: upstream.baseUrl });
    const list = await openList(client, { first: 20, filter: { statuses: ['FAILED'] } });
    expect(list.ids()).toEqual([]);
    expect(list.pageInfo().hasNextPage).toBe(true);
    await list.loadMore();
    expect(list.ids()).toEqual(['ftjob-last']);
    expect(list.pageInfo().hasNextPage).toBe(false);
  });

  it('merges the fields of two queries for an object without an id', async () => {
    const { client } = await openClient();
    const [id = ''] = (
      await openList(client, { first: 1, filter: { statuses: ['SUCCEEDED'], methods: ['SUPERVISED'] } })
    ).ids();
    const variables = { id };
    const FIRST = gql`
      query First($id: ID!) {
        gateway { version }
        fineTuningJob(id: $id) { id progress { step } metrics { totalPoints } hyperparameters { nEpochs } method { type } }
      }
    `;
    const SECOND = gql`
      query Second($id: ID!) {
        gateway { isSandbox }
        fineTuningJob(id: $id) { id progress { fraction } metrics { isComplete } hyperparameters { batchSize } method { rawType } }
      }
    `;
    const { data } = await client.query({ query: FIRST, variables });
    await client.query({ query: SECOND, variables });
    expect(data).toMatchObject({ fineTuningJob: { progress: { step: expect.any(Number) } } });
    expect(client.readQuery({ query: FIRST, variables })).toEqual(data);
  });

  it('reads a fragment on an interface from the cache', async () => {
    const { client } = await openClient();
    const [id = ''] = (await openList(client, { first: 1, filter: { methods: ['DPO'] } })).ids();
    const query = gql`
      query Method($id: ID!) {
        node(id: $id) {
          ... on FineTuningJob {
            method { ... on FineTuningJobDpoMethod { hyperparameters { ...Common } } }
          }
        }
      }
      fragment Common on FineTuningJobCommonHyperparameters { nEpochs }
    `;
    await client.query({ query, variables: { id } });
    expect(client.readQuery({ query, variables: { id } })).toMatchObject({
      node: { method: { hyperparameters: { nEpochs: expect.anything() } } },
    });
  });
});
