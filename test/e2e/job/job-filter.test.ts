import { describe, expect, it } from 'vitest';
import { jobBody } from '../../kit/bodies/job.ts';
import { startWorld, type World } from '../../kit/gateway/world.ts';

interface Connection {
  scannedCount: number;
  edges: { node: { id: string } | null }[];
  pageInfo: { hasNextPage: boolean; endCursor: string | null };
}

const PAGE = `query ($first: Int, $after: String, $filter: FineTuningJobFilter) {
  fineTuningJobs(first: $first, after: $after, filter: $filter) {
    scannedCount edges { node { id } } pageInfo { hasNextPage endCursor }
  }
}`;

type Members = Record<string, unknown>;
interface Arguments {
  first?: number;
  after?: string | null;
  filter?: unknown;
}

async function pageOf(world: World, variables: Arguments): Promise<Connection> {
  return (await world.ask<{ fineTuningJobs: Connection }>(PAGE, { ...variables })).fineTuningJobs;
}

const idsOf = ({ edges }: Connection) => edges.map(({ node }) => node?.id.replace('ftjob-', ''));

/** The names of those of these jobs that pass, in their order. */
async function passing(jobs: Record<string, Members>, filter: unknown): Promise<(string | undefined)[]> {
  await using world = await startWorld();
  world.upstream.onJobs(Object.entries(jobs).map(([name, members]) => jobBody({ ...members, id: `ftjob-${name}` })));
  return idsOf(await pageOf(world, { filter }));
}

describe('statuses', () => {
  const jobs = {
    queued: { status: 'queued' },
    pending: { status: 'pending' },
    notRunning: { status: 'notRunning' },
    created: { status: 'created' },
    running: { status: 'running' },
    cancelled: { status: 'cancelled' },
    canceled: { status: 'canceled' },
    canceling: { status: 'canceling' },
    paused: { status: 'paused' },
    moderating: { status: 'moderating' },
  };

  it.each([
    [['RUNNING'], ['running']],
    [['QUEUED'], ['queued', 'pending', 'notRunning', 'created']],
    [['CANCELLED'], ['cancelled', 'canceled']],
    [['CANCELLING'], ['canceling']],
    [
      ['PAUSED', 'RUNNING'],
      ['running', 'paused'],
    ],
    [['SUCCEEDED'], []],
  ])('%j pass in all their spellings', async (statuses, expected) => {
    expect(await passing(jobs, { statuses })).toEqual(expected);
  });
});

describe('the other members', () => {
  it('modelIds passes jobs of one of these models', async () => {
    const jobs = { a: { model: 'gpt-a' }, b: { model: 'gpt-b' }, c: { model: 'gpt-c' }, d: { model: 'gpt-a-2' } };
    expect(await passing(jobs, { modelIds: ['gpt-a', 'gpt-c'] })).toEqual(['a', 'c']);
  });

  it('methods passes jobs of one of these methods, and none of before there were methods', async () => {
    const jobs = {
      sft: { method: { type: 'supervised' } },
      dpo: { method: { type: 'dpo' } },
      rft: { method: { type: 'reinforcement' } },
      other: { method: { type: 'distillation' } },
      old: { method: undefined },
    };
    expect(await passing(jobs, { methods: ['SUPERVISED', 'DPO'] })).toEqual(['sft', 'dpo']);
    expect(await passing(jobs, { methods: ['REINFORCEMENT'] })).toEqual(['rft']);
  });

  it('suffix passes jobs with exactly this one, wherever the server puts it', async () => {
    const jobs = {
      openai: { user_provided_suffix: 'mail' },
      other: { user_provided_suffix: undefined, suffix: 'mail' },
      longer: { user_provided_suffix: 'mails' },
      none: {},
    };
    expect(await passing(jobs, { suffix: 'mail' })).toEqual(['openai', 'other']);
  });

  it('createdAtOrAfter includes its second, createdBefore does not', async () => {
    const jobs = { d: { created_at: 400 }, c: { created_at: 300 }, b: { created_at: 200 }, a: { created_at: 100 } };
    expect(await passing(jobs, { createdAtOrAfter: 200 })).toEqual(['d', 'c', 'b']);
    expect(await passing(jobs, { createdBefore: 300 })).toEqual(['b', 'a']);
    expect(await passing(jobs, { createdAtOrAfter: 200, createdBefore: 400 })).toEqual(['c', 'b']);
  });

  it('are all to fit at once', async () => {
    const jobs = {
      both: { status: 'running', model: 'gpt-a' },
      one: { status: 'running', model: 'gpt-b' },
      other: { status: 'failed', model: 'gpt-a' },
    };
    expect(await passing(jobs, { statuses: ['RUNNING'], modelIds: ['gpt-a'] })).toEqual(['both']);
  });

  it.each([
    ['an empty filter', {}],
    ['empty lists', { statuses: [], modelIds: [], methods: [], metadata: [] }],
    [
      'nulls',
      { statuses: null, modelIds: null, methods: null, metadata: null, createdAtOrAfter: null, createdBefore: null },
    ],
    ['null itself', null],
  ])('let everything pass when they are %s', async (_, filter) => {
    expect(await passing({ a: {}, b: { status: 'moderating' } }, filter)).toEqual(['a', 'b']);
  });
});

describe('metadata', () => {
  const metadata = [
    { key: 'team', value: 'a&b' },
    { key: 'run', value: '1' },
  ];

  it('goes upstream, pair by pair, and is checked again: some servers ignore it', async () => {
    await using world = await startWorld();
    world.upstream.onJobs([
      jobBody({ id: 'ftjob-both', metadata: { team: 'a&b', run: '1', more: 'x' } }),
      jobBody({ id: 'ftjob-one', metadata: { team: 'a&b' } }),
      jobBody({ id: 'ftjob-other', metadata: { team: 'a&b', run: '2' } }),
      jobBody({ id: 'ftjob-none', metadata: null }),
    ]);
    expect(idsOf(await pageOf(world, { filter: { metadata } }))).toEqual(['both']);
    const [call] = world.upstream.calls;
    expect([...new URL(call?.target ?? '', 'http://upstream').searchParams]).toEqual([
      ['limit', '100'],
      ['metadata[run]', '1'],
      ['metadata[team]', 'a&b'],
    ]);
  });

  it('in another order is the same question, and other metadata is not', async () => {
    await using world = await startWorld();
    world.upstream.onJobs([jobBody({ id: 'ftjob-1', metadata: { team: 'a&b', run: '1' } })]);
    await pageOf(world, { filter: { metadata } });
    await pageOf(world, { filter: { metadata: metadata.toReversed() } });
    expect(world.upstream.calls).toHaveLength(1);
    await pageOf(world, { filter: { metadata: metadata.slice(1) } });
    expect(world.upstream.calls).toHaveLength(2);
  });

  it('goes with the cursor to every page', async () => {
    await using world = await startWorld();
    const pair = [{ key: 'team', value: 'a' }];
    world.upstream.onJobs(
      Array.from({ length: 150 }, (_, index) => jobBody({ id: `ftjob-${index}`, metadata: { team: 'a' } })),
    );
    await pageOf(world, { first: 100, filter: { metadata: pair, statuses: ['FAILED'] } });
    expect(world.upstream.calls.map(({ target }) => decodeURIComponent(target))).toEqual([
      '/fine_tuning/jobs?limit=100&metadata[team]=a',
      '/fine_tuning/jobs?limit=100&after=ftjob-99&metadata[team]=a',
    ]);
  });
});

describe('the bounds of a filter', () => {
  const pairs = (count: number) => Array.from({ length: count }, (_, index) => ({ key: `${index}`, value: '' }));
  const pair = (key: string, value: string) => [
    { key: 'team', value: 'a' },
    { key, value },
  ];

  it.each([
    ['sixteen pairs', { metadata: pairs(16) }],
    ['a key of 64 characters', { metadata: pair('🏃'.repeat(64), '') }],
    ['a value of 512 characters', { metadata: pair('run', '🏃'.repeat(512)) }],
    ['the last second before milliseconds', { createdAtOrAfter: 1e11, createdBefore: 1e11 }],
    ['times before the epoch', { createdAtOrAfter: -1, createdBefore: 0 }],
  ])('include %s', async (_, filter) => {
    expect(await passing({}, filter)).toEqual([]);
  });

  it.each([
    ['filter.metadata', { metadata: pairs(17) }, 'at most 16 pairs, got 17'],
    ['filter.metadata[1].key', { metadata: pair('k'.repeat(65), '') }, 'at most 64 characters, got 65'],
    ['filter.metadata[1].value', { metadata: pair('k', 'v'.repeat(513)) }, 'at most 512 characters, got 513'],
    [
      'filter.createdAtOrAfter',
      { createdAtOrAfter: 1e11 + 1 },
      'seconds since the epoch, at most 100000000000 and not milliseconds, got 100000000001',
    ],
    [
      'filter.createdBefore',
      { createdBefore: 1_760_000_000_000 },
      'seconds since the epoch, at most 100000000000 and not milliseconds, got 1760000000000',
    ],
  ])('exclude one more, by BAD_USER_INPUT without a call: %s', async (argument, filter, expected) => {
    await using world = await startWorld();
    const { data, errors } = await world.gateway.query(PAGE, { filter });
    expect(data).toEqual({ fineTuningJobs: null });
    expect(errors).toMatchObject([
      { message: `${argument}: expected ${expected}.`, extensions: { code: 'BAD_USER_INPUT', argument } },
    ]);
    expect(world.upstream.calls).toEqual([]);
  });
});

describe('what no job can fit', () => {
  it.each([
    ['filter.statuses', { statuses: ['RUNNING', 'UNKNOWN'] }],
    ['filter.methods', { methods: ['UNKNOWN'] }],
    [
      'filter.metadata',
      {
        metadata: [
          { key: 'a', value: '1' },
          { key: 'a', value: '2' },
        ],
      },
    ],
  ])('is BAD_USER_INPUT without a call: %s', async (argument, filter) => {
    await using world = await startWorld();
    const { data, errors } = await world.gateway.query(PAGE, { filter });
    expect(data).toEqual({ fineTuningJobs: null });
    expect(errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT', argument } }]);
    expect(world.upstream.calls).toEqual([]);
  });
});

describe('a page behind a filter', () => {
  const failedAt = (index: number) => index % 7 === 0;
  const jobs = (count: number, hasFailed: (index: number) => boolean) =>
    Array.from({ length: count }, (_, index) =>
      jobBody({ id: `ftjob-${index}`, status: hasFailed(index) ? 'failed' : 'running' }),
    );
  const filter = { statuses: ['FAILED'] };

  it('says how many jobs were looked at, with a filter and without', async () => {
    await using world = await startWorld();
    world.upstream.onJobs(jobs(250, (index) => index === 130));
    expect(await pageOf(world, { first: 1, filter })).toMatchObject({ scannedCount: 131 });
    expect(await pageOf(world, { first: 30 })).toMatchObject({ scannedCount: 30 });
  });

  it('can be empty and have a next one, with a cursor that goes on behind the last job looked at', async () => {
    await using world = await startWorld();
    world.upstream.onJobs(jobs(1050, (index) => index === 1020));
    const first = await pageOf(world, { filter });
    expect(first).toMatchObject({ edges: [], scannedCount: 1000, pageInfo: { hasNextPage: true } });
    expect(first.pageInfo.endCursor).toBe(Buffer.from('job:ftjob-999').toString('base64url'));
    expect(world.upstream.calls).toHaveLength(10);
    const second = await pageOf(world, { filter, after: first.pageInfo.endCursor });
    expect(idsOf(second)).toEqual(['1020']);
    expect(second).toMatchObject({ scannedCount: 50, pageInfo: { hasNextPage: false } });
  });

  it('goes on without losing or repeating a job, whatever its length', async () => {
    await using world = await startWorld();
    const all = jobs(430, failedAt);
    world.upstream.onJobs(all);
    const seen: (string | undefined)[] = [];
    let after: string | null = null;
    for (let first = 1, hasNextPage = true; hasNextPage; first = (first * 5) % 23) {
      const page: Connection = await pageOf(world, { first, after, filter });
      seen.push(...idsOf(page));
      ({ hasNextPage, endCursor: after } = page.pageInfo);
    }
    expect(seen).toEqual(all.flatMap((_, index) => (failedAt(index) ? [`${index}`] : [])));
  });

  it('leaves out jobs that cannot be understood, and looks on behind them', async () => {
    await using world = await startWorld();
    world.upstream.onJobs([{ id: 'ftjob-broken' }, ...jobs(3, () => true)]);
    expect(idsOf(await pageOf(world, { first: 2, filter }))).toEqual(['0', '1']);
  });

  it('is an error when the pages of the upstream do not go on', async () => {
    await using world = await startWorld();
    world.upstream.on('/fine_tuning/jobs', { object: 'list', data: jobs(2, () => false), has_more: true });
    const { data, errors } = await world.gateway.query(PAGE, { filter });
    expect(data).toEqual({ fineTuningJobs: null });
    expect(errors).toMatchObject([{ extensions: { code: 'UPSTREAM_INVALID_RESPONSE' } }]);
  });

  it('ends well on a server that does not say has_more and whose last page is full', async () => {
    await using world = await startWorld();
    const list = jobs(100, (index) => index === 50);
    world.upstream.on('/fine_tuning/jobs?limit=100', { object: 'list', data: list });
    world.upstream.on('/fine_tuning/jobs?limit=100&after=ftjob-99', { object: 'list', data: [] });
    const page = await pageOf(world, { filter });
    expect(idsOf(page)).toEqual(['50']);
    expect(page.pageInfo.hasNextPage).toBe(false);
  });

  it('reads no further than createdAtOrAfter needs', async () => {
    await using world = await startWorld();
    world.upstream.onJobs(
      Array.from({ length: 900 }, (_, index) => jobBody({ id: `ftjob-${index}`, created_at: 10_000 - index })),
    );
    const page = await pageOf(world, { first: 100, filter: { createdAtOrAfter: 9_950 } });
    expect(page.edges).toHaveLength(51);
    expect(page.pageInfo.hasNextPage).toBe(false);
    expect(world.upstream.calls).toHaveLength(1);
  });
});
