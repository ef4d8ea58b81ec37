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

/** The names of the jobs that match a filter, in their order. */
async function matching(jobs: Record<string, Members>, filter: unknown): Promise<(string | undefined)[]> {
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
  ])('%j match jobs in every spelling', async (statuses, expected) => {
    expect(await matching(jobs, { statuses })).toEqual(expected);
  });
});

describe('the other fields', () => {
  it('modelIds matches jobs of one of the models', async () => {
    const jobs = { a: { model: 'gpt-a' }, b: { model: 'gpt-b' }, c: { model: 'gpt-c' }, d: { model: 'gpt-a-2' } };
    expect(await matching(jobs, { modelIds: ['gpt-a', 'gpt-c'] })).toEqual(['a', 'c']);
  });

  it('methods matches jobs with one of the methods, and no old job without a method', async () => {
    const jobs = {
      sft: { method: { type: 'supervised' } },
      dpo: { method: { type: 'dpo' } },
      rft: { method: { type: 'reinforcement' } },
      other: { method: { type: 'distillation' } },
      old: { method: undefined },
    };
    expect(await matching(jobs, { methods: ['SUPERVISED', 'DPO'] })).toEqual(['sft', 'dpo']);
    expect(await matching(jobs, { methods: ['REINFORCEMENT'] })).toEqual(['rft']);
  });

  it('trainingFileIds matches jobs that train on one of the files', async () => {
    const jobs = { a: { training_file: 'file-a' }, b: { training_file: 'file-b' }, none: { training_file: null } };
    expect(await matching(jobs, { trainingFileIds: ['file-b', 'file-c'] })).toEqual(['b']);
    expect(await matching(jobs, { trainingFileIds: [] })).toEqual(['a', 'b', 'none']);
  });

  it('fineTunedModelIds matches jobs that created one of the models', async () => {
    const jobs = { a: { fine_tuned_model: 'ft:a' }, b: { fine_tuned_model: 'ft:b' }, none: { fine_tuned_model: null } };
    expect(await matching(jobs, { fineTunedModelIds: ['ft:a', 'ft:c'] })).toEqual(['a']);
  });

  it('suffixContains matches a part of the suffix in upper or lower case', async () => {
    const jobs = {
      mail: { user_provided_suffix: 'Mail-Bot' },
      other: { user_provided_suffix: undefined, suffix: 'my-email' },
      chat: { user_provided_suffix: 'chat' },
      none: {},
    };
    expect(await matching(jobs, { suffixContains: 'mAIL' })).toEqual(['mail', 'other']);
    expect(await matching(jobs, { suffixContains: '' })).toEqual(['mail', 'other', 'chat', 'none']);
  });

  it('suffix matches jobs with exactly this suffix, in the properties of every server', async () => {
    const jobs = {
      openai: { user_provided_suffix: 'mail' },
      other: { user_provided_suffix: undefined, suffix: 'mail' },
      longer: { user_provided_suffix: 'mails' },
      none: {},
    };
    expect(await matching(jobs, { suffix: 'mail' })).toEqual(['openai', 'other']);
  });

  it('createdAtOrAfter includes its second, createdBefore does not', async () => {
    const jobs = { d: { created_at: 400 }, c: { created_at: 300 }, b: { created_at: 200 }, a: { created_at: 100 } };
    expect(await matching(jobs, { createdAtOrAfter: 200 })).toEqual(['d', 'c', 'b']);
    expect(await matching(jobs, { createdBefore: 300 })).toEqual(['b', 'a']);
    expect(await matching(jobs, { createdAtOrAfter: 200, createdBefore: 400 })).toEqual(['c', 'b']);
  });

  it('have to match together', async () => {
    const jobs = {
      both: { status: 'running', model: 'gpt-a' },
      one: { status: 'running', model: 'gpt-b' },
      other: { status: 'failed', model: 'gpt-a' },
    };
    expect(await matching(jobs, { statuses: ['RUNNING'], modelIds: ['gpt-a'] })).toEqual(['both']);
  });

  it.each([
    ['an empty filter', {}],
    ['empty lists', { statuses: [], modelIds: [], methods: [], metadata: [] }],
    [
      'nulls',
      { statuses: null, modelIds: null, methods: null, metadata: null, createdAtOrAfter: null, createdBefore: null },
    ],
    ['null itself', null],
  ])('match every job when they are %s', async (_, filter) => {
    expect(await matching({ a: {}, b: { status: 'moderating' } }, filter)).toEqual(['a', 'b']);
  });
});

describe('metadata', () => {
  const metadata = [
    { key: 'team', value: 'a&b' },
    { key: 'run', value: '1' },
  ];

  it('is sent to the upstream pair by pair, and checked again: some servers ignore it', async () => {
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

  it('in another order uses the same cached pages, other metadata does not', async () => {
    await using world = await startWorld();
    world.upstream.onJobs([jobBody({ id: 'ftjob-1', metadata: { team: 'a&b', run: '1' } })]);
    await pageOf(world, { filter: { metadata } });
    await pageOf(world, { filter: { metadata: metadata.toReversed() } });
    expect(world.upstream.calls).toHaveLength(1);
    await pageOf(world, { filter: { metadata: metadata.slice(1) } });
    expect(world.upstream.calls).toHaveLength(2);
  });

  it('is sent with the cursor of every page', async () => {
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

describe('the limits of a filter', () => {
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
  ])('allow %s', async (_, filter) => {
    expect(await matching({}, filter)).toEqual([]);
  });

  it.each([
    ['filter.metadata', { metadata: pairs(17) }, 'has 17 pairs; expected at most 16'],
    ['filter.metadata[1].key', { metadata: pair('k'.repeat(65), '') }, 'has 65 characters; expected at most 64'],
    ['filter.metadata[1].value', { metadata: pair('k', 'v'.repeat(513)) }, 'has 513 characters; expected at most 512'],
    [
      'filter.createdAtOrAfter',
      { createdAtOrAfter: 1e11 + 1 },
      'is 100000000001, which is probably in milliseconds; expected seconds since 1970, such as 1767225600',
    ],
    [
      'filter.createdBefore',
      { createdBefore: 1_760_000_000_000 },
      'is 1760000000000, which is probably in milliseconds; expected seconds since 1970, such as 1767225600',
    ],
  ])('reject one more without a call, by BAD_USER_INPUT: %s', async (argument, filter, problem) => {
    await using world = await startWorld();
    const { data, errors } = await world.gateway.query(PAGE, { filter });
    expect(data).toEqual({ fineTuningJobs: null });
    expect(errors).toMatchObject([
      { message: `${argument}: ${problem}.`, extensions: { code: 'BAD_USER_INPUT', argument } },
    ]);
    expect(world.upstream.calls).toEqual([]);
  });
});

describe('a filter that no job can match', () => {
  it.each([
    [
      'filter.statuses',
      { statuses: ['RUNNING', 'UNKNOWN'] },
      'is UNKNOWN; expected a known FineTuningJobStatus, such as VALIDATING_FILES',
    ],
    [
      'filter.methods',
      { methods: ['UNKNOWN'] },
      'is UNKNOWN; expected a known FineTuningJobMethodType, such as SUPERVISED',
    ],
    [
      'filter.metadata',
      {
        metadata: [
          { key: 'a', value: '1' },
          { key: 'a', value: '2' },
        ],
      },
      'has the key "a" twice; expected each key once',
    ],
  ])('is BAD_USER_INPUT without a call: %s', async (argument, filter, problem) => {
    await using world = await startWorld();
    const { data, errors } = await world.gateway.query(PAGE, { filter });
    expect(data).toEqual({ fineTuningJobs: null });
    expect(errors).toMatchObject([
      { message: `${argument}: ${problem}.`, extensions: { code: 'BAD_USER_INPUT', argument } },
    ]);
    expect(world.upstream.calls).toEqual([]);
  });
});

describe('a page with a filter', () => {
  const failedAt = (index: number) => index % 7 === 0;
  const jobs = (count: number, hasFailed: (index: number) => boolean) =>
    Array.from({ length: count }, (_, index) =>
      jobBody({ id: `ftjob-${index}`, status: hasFailed(index) ? 'failed' : 'running' }),
    );
  const filter = { statuses: ['FAILED'] };

  it('has the number of jobs that were read, with a filter and without', async () => {
    await using world = await startWorld();
    world.upstream.onJobs(jobs(250, (index) => index === 130));
    expect(await pageOf(world, { first: 1, filter })).toMatchObject({ scannedCount: 131 });
    expect(await pageOf(world, { first: 30 })).toMatchObject({ scannedCount: 30 });
  });

  it('can be empty and have a next one, with the cursor of the last job that was read', async () => {
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

  it('of any length continues without a lost or repeated job', async () => {
    await using world = await startWorld();
    const all = jobs(430, failedAt);
    world.upstream.onJobs(all);
    const found: (string | undefined)[] = [];
    let after: string | null = null;
    for (let first = 1, hasNextPage = true; hasNextPage; first = (first * 5) % 23) {
      const page: Connection = await pageOf(world, { first, after, filter });
      found.push(...idsOf(page));
      ({ hasNextPage, endCursor: after } = page.pageInfo);
    }
    expect(found).toEqual(all.flatMap((_, index) => (failedAt(index) ? [`${index}`] : [])));
  });

  it('leaves out invalid jobs and reads on', async () => {
    await using world = await startWorld();
    world.upstream.onJobs([{ id: 'ftjob-broken' }, ...jobs(3, () => true)]);
    expect(idsOf(await pageOf(world, { first: 2, filter }))).toEqual(['0', '1']);
  });

  it('is an error when the pages of the upstream repeat', async () => {
    await using world = await startWorld();
    world.upstream.on('/fine_tuning/jobs', { object: 'list', data: jobs(2, () => false), has_more: true });
    const { data, errors } = await world.gateway.query(PAGE, { filter });
    expect(data).toEqual({ fineTuningJobs: null });
    expect(errors).toMatchObject([{ extensions: { code: 'UPSTREAM_INVALID_RESPONSE' } }]);
  });

  it('ends toward a server without has_more whose last page is full', async () => {
    await using world = await startWorld();
    const list = jobs(100, (index) => index === 50);
    world.upstream.on('/fine_tuning/jobs?limit=100', { object: 'list', data: list });
    world.upstream.on('/fine_tuning/jobs?limit=100&after=ftjob-99', { object: 'list', data: [] });
    const page = await pageOf(world, { filter });
    expect(idsOf(page)).toEqual(['50']);
    expect(page.pageInfo.hasNextPage).toBe(false);
  });

  it('stops reading at createdAtOrAfter', async () => {
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
