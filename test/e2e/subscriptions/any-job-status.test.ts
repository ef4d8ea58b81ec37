import { describe, expect, it } from 'vitest';
import { jobBody } from '../../kit/bodies/job.ts';
import type { SseStream } from '../../kit/client/sse.ts';
import { startFeed } from '../../kit/gateway/feed.ts';

const INTERVAL_MS = 2000; // The default.
const ALL = `subscription ($filter: FineTuningJobChangeFilter) {
  anyFineTuningJobStatusChanged(filter: $filter) { job { id } status previousStatus source }
}`;

type Members = Record<string, unknown>;

/** Starts a gateway over an account with these jobs by id, newest first. */
async function start(first: Record<string, Members>) {
  const feed = await startFeed();
  const jobs = new Map<string, Members>();
  /** Adds jobs, newer than all others, or changes existing ones. */
  function setJobs(changed: Record<string, Members>) {
    const firstSecond = 1_760_000_000;
    for (const [id, members] of Object.entries(changed).reverse()) {
      jobs.set(id, { created_at: firstSecond + jobs.size, ...jobs.get(id), ...members });
    }
    const bodies = [...jobs].map(([id, members]) => jobBody({ id, ...members })).reverse();
    feed.upstream.onJobs(bodies);
    for (const body of bodies) feed.upstream.onJob(body);
  }
  setJobs(first);
  return { ...feed, setJobs, [Symbol.asyncDispose]: () => feed[Symbol.asyncDispose]() };
}

type Change = [id: string, status: string, previousStatus: string | null, source: string];

async function take(stream: SseStream, count: number): Promise<Change[]> {
  const changes: Change[] = [];
  while (changes.length < count) {
    const { job, status, previousStatus, source } = Object(await stream.result()).data.anyFineTuningJobStatusChanged;
    changes.push([job.id, status, previousStatus, source]);
  }
  return changes;
}

describe('a subscription to all jobs', () => {
  it('sends snapshots of the active jobs, then the changes of all jobs, without a previous status for new ones', async () => {
    await using feed = await start({
      a: { status: 'running' },
      b: { status: 'succeeded' },
      c: { status: 'queued' },
      d: { status: 'paused' },
    });
    await using stream = await feed.subscribe(ALL);
    await feed.advanceBy(0);
    expect(await take(stream, 3)).toEqual([
      ['a', 'RUNNING', null, 'SNAPSHOT'],
      ['c', 'QUEUED', null, 'SNAPSHOT'],
      ['d', 'PAUSED', null, 'SNAPSHOT'],
    ]);
    feed.setJobs({ e: { status: 'validating_files' } });
    await feed.advanceBy(INTERVAL_MS);
    expect(await take(stream, 1)).toEqual([['e', 'VALIDATING_FILES', null, 'POLL']]);
    feed.setJobs({ a: { status: 'succeeded' }, c: { status: 'running' }, f: { status: 'failed' } });
    await feed.advanceBy(INTERVAL_MS);
    expect((await take(stream, 3)).toSorted()).toEqual([
      ['a', 'SUCCEEDED', 'RUNNING', 'POLL'],
      ['c', 'RUNNING', 'QUEUED', 'POLL'],
      ['f', 'FAILED', null, 'POLL'],
    ]);
    await using later = await feed.subscribe(ALL);
    expect((await take(later, 3)).toSorted()).toEqual([
      ['c', 'RUNNING', null, 'SNAPSHOT'],
      ['d', 'PAUSED', null, 'SNAPSHOT'],
      ['e', 'VALIDATING_FILES', null, 'SNAPSHOT'],
    ]);
  });

  it('sends the changes of active jobs far back in the list', async () => {
    const many = Object.fromEntries(
      Array.from({ length: 450 }, (_, index) => [`done-${index}`, { status: 'succeeded' }]),
    );
    await using feed = await start({ ...many, old: { status: 'running' } });
    await using stream = await feed.subscribe(ALL);
    expect(await feed.advanceBy(0)).toHaveLength(5);
    feed.setJobs({ old: { status: 'succeeded' } });
    const calls = await feed.advanceBy(INTERVAL_MS);
    expect(calls.map(({ target }) => target)).toEqual(['/fine_tuning/jobs?limit=100', '/fine_tuning/jobs/old']);
    expect(await take(stream, 2)).toEqual([
      ['old', 'RUNNING', null, 'SNAPSHOT'],
      ['old', 'SUCCEEDED', 'RUNNING', 'POLL'],
    ]);
  });

  it('ends when the upstream rejects the list, and then none of its jobs is polled', async () => {
    await using feed = await start({ a: { status: 'running' }, b: { status: 'queued' } });
    await using stream = await feed.subscribe(ALL);
    await feed.advanceBy(0);
    await take(stream, 2);
    feed.upstream.on('/fine_tuning/jobs', undefined); // 404.
    expect(await feed.advanceBy(INTERVAL_MS)).not.toEqual([]);
    expect(await stream.result()).toMatchObject({ errors: [{ extensions: { code: 'UPSTREAM_REJECTED' } }] });
    expect(await feed.advanceBy(60 * INTERVAL_MS)).toEqual([]);
  });

  it('with a status filter sends the changes to and from these statuses', async () => {
    await using feed = await start({ a: { status: 'running' }, b: { status: 'queued' }, c: { status: 'paused' } });
    await using stream = await feed.subscribe(ALL, { filter: { statuses: ['RUNNING'] } });
    await feed.advanceBy(0);
    feed.setJobs({ a: { status: 'pausing' }, b: { status: 'cancelled' }, c: { status: 'resuming' } });
    await feed.advanceBy(INTERVAL_MS);
    feed.setJobs({ a: { status: 'paused' }, c: { status: 'running' }, d: { status: 'queued' } });
    await feed.advanceBy(INTERVAL_MS);
    expect(await take(stream, 3)).toEqual([
      ['a', 'RUNNING', null, 'SNAPSHOT'],
      ['a', 'PAUSING', 'RUNNING', 'POLL'],
      ['c', 'RUNNING', 'RESUMING', 'POLL'],
    ]);
  });

  it.each([
    [
      'metadata',
      { metadata: [{ key: 'team', value: 'blue' }] },
      { metadata: { team: 'blue' } },
      { metadata: { team: 'red' } },
    ],
    ['a model', { modelIds: ['gpt-blue'] }, { model: 'gpt-blue' }, { model: 'gpt-red' }],
    ['a suffix', { suffix: 'blue' }, { user_provided_suffix: 'blue' }, { user_provided_suffix: 'red' }],
  ])('with a filter by %s sends only the changes of matching jobs', async (_, filter, blue, red) => {
    await using feed = await start({ a: { status: 'running', ...red }, b: { status: 'queued', ...blue } });
    await using stream = await feed.subscribe(ALL, { filter });
    await feed.advanceBy(0);
    feed.setJobs({
      a: { status: 'paused' },
      b: { status: 'running' },
      d: { status: 'queued', ...blue },
      c: { status: 'queued', ...red },
    });
    await feed.advanceBy(INTERVAL_MS);
    feed.setJobs({ b: { status: 'succeeded' } });
    await feed.advanceBy(INTERVAL_MS);
    const changes = await take(stream, 4);
    expect([changes[0], ...changes.slice(1, 3).toSorted(), changes[3]]).toEqual([
      ['b', 'QUEUED', null, 'SNAPSHOT'],
      ['b', 'RUNNING', 'QUEUED', 'POLL'],
      ['d', 'QUEUED', null, 'POLL'],
      ['b', 'SUCCEEDED', 'RUNNING', 'POLL'],
    ]);
  });

  it('rejects a filter by UNKNOWN without an upstream call', async () => {
    await using feed = await start({ a: { status: 'dreaming' } });
    await using stream = await feed.subscribe(ALL, { filter: { statuses: ['UNKNOWN'] } });
    expect(await stream.result()).toMatchObject({
      errors: [
        {
          message: expect.stringMatching(/^filter\.statuses: is UNKNOWN; expected a known FineTuningJobStatus/),
          extensions: { code: 'BAD_USER_INPUT' },
        },
      ],
    });
    expect(await stream.next()).toEqual({ event: 'complete', data: '' });
    expect(await feed.advanceBy(60_000)).toEqual([]);
  });
});
