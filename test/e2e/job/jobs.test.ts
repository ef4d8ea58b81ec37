import { describe, expect, it } from 'vitest';
import { jobBody } from '../../kit/bodies/job.ts';
import { startGateway } from '../../kit/gateway/gateway.ts';
import { startUpstream, writeResponse } from '../../kit/gateway/upstream.ts';

interface Connection {
  edges: { cursor: string; node: { id: string } | null }[];
  pageInfo: { hasNextPage: boolean; hasPreviousPage: boolean; startCursor: string | null; endCursor: string | null };
}

const PAGE = `query ($first: Int, $after: String) { fineTuningJobs(first: $first, after: $after) {
  edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
} }`;
const jobs = (count: number) => Array.from({ length: count }, (_, i) => jobBody({ id: `ftjob-${i}` }));
const ids = ({ edges }: Connection) => edges.map(({ node }) => node?.id);

async function start() {
  const upstream = await startUpstream();
  const gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl });
  return {
    upstream,
    gateway,
    async page(first?: number | null, after?: string | null): Promise<Connection> {
      const { data, errors } = await gateway.query(PAGE, { first, after });
      expect(errors).toBeUndefined();
      return data?.['fineTuningJobs'] as Connection;
    },
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
    },
  };
}

describe('fineTuningJobs', () => {
  it('returns every job exactly once when a client follows the cursors', async () => {
    await using world = await start();
    const all = jobs(23);
    world.upstream.onJobs(all);
    const found: (string | undefined)[] = [];
    let after: string | null = null;
    for (let hasNextPage = true; hasNextPage; ) {
      const page: Connection = await world.page(5, after);
      found.push(...ids(page));
      ({ hasNextPage, endCursor: after } = page.pageInfo);
    }
    expect(found).toEqual(all.map(({ id }) => id));
  });

  it('starts a page after the cursor of any edge', async () => {
    await using world = await start();
    world.upstream.onJobs(jobs(6));
    const { edges } = await world.page(6);
    expect(ids(await world.page(2, edges[2]?.cursor))).toEqual(['ftjob-3', 'ftjob-4']);
  });

  it.each([
    ['omitted', undefined],
    ['null', null],
  ])('returns 20 jobs when `first` is %s', async (_, first) => {
    await using world = await start();
    world.upstream.onJobs(jobs(30));
    expect(ids(await world.page(first))).toHaveLength(20);
  });

  it('returns an empty page without cursors when there are no jobs', async () => {
    await using world = await start();
    world.upstream.onJobs([]);
    expect(await world.page()).toEqual({
      edges: [],
      pageInfo: { hasNextPage: false, hasPreviousPage: false, startCursor: null, endCursor: null },
    });
  });

  it.each([0, -1, 101, 2_147_483_647])('rejects first: %i without a call, and names the argument', async (first) => {
    await using world = await start();
    const { errors } = await world.gateway.query(PAGE, { first });
    expect(errors?.[0]).toMatchObject({
      message: `first: is ${first}; expected an integer from 1 to 100, such as 20.`,
      extensions: { code: 'BAD_USER_INPUT', argument: 'first' },
    });
    expect(world.upstream.calls).toEqual([]);
  });

  it('truncates the page of a server that ignores the limit, and continues there', async () => {
    await using world = await start();
    world.upstream.on('/fine_tuning/jobs', { object: 'list', data: jobs(10), has_more: false });
    const page = await world.page(4);
    expect(ids(page)).toEqual(['ftjob-0', 'ftjob-1', 'ftjob-2', 'ftjob-3']);
    expect(page.pageInfo).toMatchObject({ hasNextPage: true, endCursor: page.edges[3]?.cursor });
  });

  it.each([
    ['full', 10, true],
    ['short', 9, false],
  ])(
    'derives hasNextPage from a %s page of %i jobs when the server does not send has_more',
    async (_, count, hasNextPage) => {
      await using world = await start();
      world.upstream.on('/fine_tuning/jobs', { object: 'list', data: jobs(count) });
      expect((await world.page(10)).pageInfo.hasNextPage).toBe(hasNextPage);
    },
  );

  it('has no next page after an empty one, whatever the server sends', async () => {
    await using world = await start();
    world.upstream.on('/fine_tuning/jobs', { object: 'list', data: [], has_more: true });
    expect((await world.page()).pageInfo.hasNextPage).toBe(false);
  });

  it.each([
    ['repeats the same page', { object: 'list', data: [jobBody({ id: 'ftjob-7' })], has_more: true }],
    ['has only items without an id', { object: 'list', data: [{ object: 'fine_tuning.job' }], has_more: true }],
  ])('fails when the upstream %s, so that no client pages endlessly', async (_, body) => {
    await using world = await start();
    world.upstream.on('/fine_tuning/jobs', body);
    const after = Buffer.from('job:ftjob-7').toString('base64url');
    const { data, errors } = await world.gateway.query(PAGE, { first: 1, after });
    expect(data).toEqual({ fineTuningJobs: null });
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'UPSTREAM_INVALID_RESPONSE', upstreamStatus: 200 });
  });

  it('gives an invalid item without an id at the start of a page the cursor that the page starts after', async () => {
    await using world = await start();
    world.upstream.on('/fine_tuning/jobs', { object: 'list', data: [{ object: 'fine_tuning.job' }, ...jobs(1)] });
    const after = Buffer.from('job:ftjob-before').toString('base64url');
    const { data } = await world.gateway.query(PAGE, { first: 3, after });
    const connection = data?.['fineTuningJobs'] as Connection | undefined;
    expect(connection?.edges[0]).toEqual({ node: null, cursor: after });
  });

  it('gives an invalid item without an id the cursor of the item before it, so that none is skipped', async () => {
    await using world = await start();
    world.upstream.on('/fine_tuning/jobs', {
      object: 'list',
      data: [...jobs(1), { object: 'fine_tuning.job' }],
      has_more: true,
    });
    const { data } = await world.gateway.query(PAGE, { first: 2 });
    const connection = data?.['fineTuningJobs'] as Connection | undefined;
    expect(connection?.edges[1]).toEqual({ node: null, cursor: connection?.edges[0]?.cursor });
  });

  it.each([
    ['an object without a list', { object: 'list' }],
    ['a job', jobBody()],
    ['null', null],
    ['an object with a string as its list', { data: 'none' }],
  ])('is null with UPSTREAM_INVALID_RESPONSE for %s, and other fields have their values', async (_, body) => {
    await using world = await start();
    world.upstream.on('/fine_tuning/jobs', (__: unknown, response: import('node:http').ServerResponse) =>
      writeResponse(response, 200, body),
    );
    const { data, errors } = await world.gateway.query('{ fineTuningJobs { edges { cursor } } gateway { version } }');
    expect(data).toEqual({ fineTuningJobs: null, gateway: { version: expect.any(String) } });
    expect(errors).toMatchObject([{ path: ['fineTuningJobs'], extensions: { code: 'UPSTREAM_INVALID_RESPONSE' } }]);
  });
});

describe('node and nodes', () => {
  it('return a job by its id', async () => {
    await using world = await start();
    world.upstream.onJob(jobBody({ id: 'ftjob-1' }));
    expect(
      await world.gateway.query('{ node(id: "ftjob-1") { __typename id ... on FineTuningJob { status } } }'),
    ).toEqual({
      data: { node: { __typename: 'FineTuningJob', id: 'ftjob-1', status: 'RUNNING' } },
    });
  });

  it('keep the order of the ids, with null for a missing object, and read each once', async () => {
    await using world = await start();
    for (const job of jobs(2)) world.upstream.onJob(job);
    const requested = ['ftjob-1', 'ftjob-none', 'ftjob-0', 'ftjob-1'];
    expect(await world.gateway.query('query ($ids: [ID!]!) { nodes(ids: $ids) { id } }', { ids: requested })).toEqual({
      data: { nodes: [{ id: 'ftjob-1' }, null, { id: 'ftjob-0' }, { id: 'ftjob-1' }] },
    });
    expect(world.upstream.calls).toHaveLength(3);
  });

  it('report an error for the invalid item only', async () => {
    await using world = await start();
    world.upstream.onJob(jobBody({ id: 'ftjob-1' }));
    world.upstream.on('/fine_tuning/jobs/ftjob-2', { id: 'ftjob-2' });
    const { data, errors } = await world.gateway.query('{ nodes(ids: ["ftjob-1", "ftjob-2"]) { id } }');
    expect(data).toEqual({ nodes: [{ id: 'ftjob-1' }, null] });
    expect(errors).toMatchObject([{ path: ['nodes', 1], extensions: { code: 'UPSTREAM_INVALID_RESPONSE' } }]);
  });

  it('reject more than 100 ids without a call', async () => {
    await using world = await start();
    const tooMany = jobs(101).map(({ id }) => id);
    const { errors } = await world.gateway.query('query ($ids: [ID!]!) { nodes(ids: $ids) { id } }', { ids: tooMany });
    expect(errors?.[0]).toMatchObject({
      message: 'ids: has 101 ids; expected at most 100.',
      extensions: { code: 'BAD_USER_INPUT', argument: 'ids' },
    });
    expect(world.upstream.calls).toEqual([]);
  });
});
