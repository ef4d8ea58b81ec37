import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { checkpointBody } from '../../kit/bodies/checkpoint.ts';
import { stepBody } from '../../kit/bodies/event.ts';
import { fileBody } from '../../kit/bodies/file.ts';
import { jobBody } from '../../kit/bodies/job.ts';
import { startFeed } from '../../kit/gateway/feed.ts';
import { pager } from '../../kit/gateway/upstream.ts';
import { startWorld } from '../../kit/gateway/world.ts';

const JOB = '/fine_tuning/jobs/ftjob-1';
/** Steps of a log that the server lists oldest first, as Nebius does. */
const stepsUpTo = (count: number) =>
  Array.from({ length: count }, (_, index) => ({
    ...stepBody(index + 1, 50),
    created_at: 1_760_000_000 + 10 * index,
    message: `Step ${index + 1}/50`,
  }));

describe('a server that lists oldest first', () => {
  it('has the newest step as progress, and events and checkpoints newest first', async () => {
    await using world = await startWorld();
    world.upstream.onJob(jobBody({ id: 'ftjob-1', status: 'running' }));
    world.upstream.on(`${JOB}/events`, pager(stepsUpTo(25)));
    const checkpoint = (step_number: number) => checkpointBody(`ftckpt_${step_number}`, { step_number });
    world.upstream.on(`${JOB}/checkpoints`, pager([checkpoint(10), checkpoint(20)]));
    expect(
      await world.ask(`{ fineTuningJob(id: "ftjob-1") { events(first: 2) { edges { node { message } } }
        checkpoints { edges { node { stepNumber } } } progress { step fraction } } }`),
    ).toEqual({
      fineTuningJob: {
        progress: { step: 25, fraction: 0.5 },
        events: { edges: [{ node: { message: 'Step 25/50' } }, { node: { message: 'Step 24/50' } }] },
        checkpoints: { edges: [{ node: { stepNumber: 20 } }, { node: { stepNumber: 10 } }] },
      },
    });
  });

  it.each([25, 250])('streams a log of %i events forwards, then each new event by one call', async (count) => {
    await using feed = await startFeed();
    const messages = stepsUpTo(count + 1).map(({ message }) => message);
    feed.upstream.onJob(jobBody({ id: 'ftjob-1', status: 'running' }));
    feed.upstream.on(`${JOB}/events`, pager(stepsUpTo(count)));
    const query = (args: string) =>
      `subscription { fineTuningJobEventAdded(jobId: "ftjob-1" ${args}) { event { message } } }`;
    await using fromStart = await feed.subscribe(query('fromStart: true'));
    await using live = await feed.subscribe(query(''));
    await feed.advanceBy(0);
    feed.upstream.on(`${JOB}/events`, pager(stepsUpTo(count + 1)));
    const calls = await feed.advanceBy(2000);
    expect(calls.filter(({ target }) => target.includes('/events'))).toHaveLength(1);
    const next = (message: string | undefined) => ({ data: { fineTuningJobEventAdded: { event: { message } } } });
    for (const message of messages) expect(await fromStart.result()).toEqual(next(message));
    expect(await live.result()).toEqual(next(messages.at(-1)));
  });

  it('has jobs and files newest first on every page, and finds a new job', async () => {
    await using world = await startWorld();
    const jobs = (count: number) =>
      Array.from({ length: count }, (_, index) => jobBody({ id: `ftjob-${index}`, created_at: 1_760_000_000 + index }));
    const files = Array.from({ length: 30 }, (_, index) =>
      fileBody(`file-${index}`, { created_at: 1_760_000_000 + index }),
    );
    world.upstream.on('/fine_tuning/jobs', pager(jobs(250)));
    world.upstream.on('/files', pager(files));
    for (const [field, total] of [
      ['fineTuningJobs', 250],
      ['files', 30],
    ] as const) {
      const ids: string[] = [];
      for (let after: string | null = null, hasMore = true; hasMore; ) {
        const { page }: { page: Page } = await world.ask(
          `query ($after: String) { page: ${field}(first: 40, after: $after) { edges { node { id } } pageInfo { hasNextPage endCursor } } }`,
          { after },
        );
        ids.push(...page.edges.map(({ node }) => node.id.split('-')[1] ?? ''));
        ({ hasNextPage: hasMore, endCursor: after } = page.pageInfo);
      }
      expect(ids, field).toEqual(Array.from({ length: total }, (_, index) => String(total - 1 - index)));
    }
    world.upstream.on('/fine_tuning/jobs', pager(jobs(251)));
    world.clock.advance(60_000);
    expect(await world.ask('{ fineTuningJobs(first: 1) { edges { node { id } } } }')).toEqual({
      fineTuningJobs: { edges: [{ node: { id: 'ftjob-250' } }] },
    });
  });

  it('is known by the first query for a single item', async () => {
    await using world = await startWorld();
    world.upstream.onJob(jobBody({ id: 'ftjob-1', status: 'running' }));
    world.upstream.on(`${JOB}/events`, pager(stepsUpTo(25)));
    expect(
      await world.ask('{ fineTuningJob(id: "ftjob-1") { events(first: 1) { edges { node { message } } } } }'),
    ).toEqual({
      fineTuningJob: { events: { edges: [{ node: { message: 'Step 25/50' } }] } },
    });
  });

  it.each([Number, String])('shows a log of one second by its steps, as %o', async (write) => {
    await using world = await startWorld();
    world.upstream.onJob(jobBody({ id: 'ftjob-1', status: 'running' }));
    const steps = [1, 2, 3, 4].map((step) => ({
      ...stepBody(step, 50, { step: write(step) }),
      created_at: 1_760_000_000,
    }));
    world.upstream.on(`${JOB}/events`, pager(steps));
    expect(await world.ask('{ fineTuningJob(id: "ftjob-1") { progress { step } } }')).toEqual({
      fineTuningJob: { progress: { step: 4 } },
    });
  });
});

describe('a server that lists newest first', () => {
  it('keeps its log in order where the steps of each second are oldest first', async () => {
    await using world = await startWorld();
    world.upstream.onJob(jobBody({ id: 'ftjob-1', status: 'running' }));
    const events = Array.from({ length: 30 }, (_, index) => ({
      ...stepBody(30 - 10 * Math.floor(index / 10) - 9 + (index % 10), 50),
      created_at: 1_760_000_000 - Math.floor(index / 10),
    }));
    world.upstream.on(`${JOB}/events`, pager(events));
    const { fineTuningJob } = await world.ask<{ fineTuningJob: { events: Page } }>(
      '{ fineTuningJob(id: "ftjob-1") { events(first: 30) { edges { node { id } } } } }',
    );
    expect(fineTuningJob.events.edges.map(({ node }) => node.id)).toEqual(events.map(({ id }) => id));
  });

  it('keeps the order of its jobs where that is not the order of their times', async () => {
    await using world = await startWorld();
    const jobs = [8, 9, 7, 6, 5].map((age) => jobBody({ id: `ftjob-${age}`, created_at: 1_760_000_000 + age }));
    world.upstream.on('/fine_tuning/jobs', pager(jobs));
    const ids: string[] = [];
    for (let after: string | null = null, hasMore = true; hasMore; ) {
      const { page }: { page: Page } = await world.ask(
        'query ($after: String) { page: fineTuningJobs(first: 1, after: $after) { edges { node { id } } pageInfo { hasNextPage endCursor } } }',
        { after },
      );
      ids.push(...page.edges.map(({ node }) => node.id));
      ({ hasNextPage: hasMore, endCursor: after } = page.pageInfo);
    }
    expect(ids).toEqual(jobs.map(({ id }) => id));
  });
});

interface Page {
  edges: { node: { id: string } }[];
  pageInfo: { hasNextPage: boolean; endCursor: string | null };
}

describe('a list of files without pages', () => {
  const FILES = [3, 1, 2].map((age) => fileBody(`file-${age}`, { created_at: 1_760_000_000 - age }));
  const PAGE = `query ($after: String, $order: SortOrder, $first: Int = 2) {
    files(first: $first, after: $after, order: $order) { edges { node { id } } pageInfo { hasNextPage endCursor } } }`;

  async function start() {
    const world = await startWorld();
    world.upstream.on('/files', { object: 'list', data: FILES });
    const page = async (variables: Record<string, unknown> = {}) => {
      const { files } = await world.ask<{ files: Page }>(PAGE, variables);
      return { ...files.pageInfo, ids: files.edges.map(({ node }) => node.id) };
    };
    return { world, page, [Symbol.asyncDispose]: () => world[Symbol.asyncDispose]() };
  }

  it.each([
    ['DESC', ['file-1', 'file-2'], ['file-3']],
    ['ASC', ['file-3', 'file-2'], ['file-1']],
  ])(
    'is paged and sorted by the gateway in the order %s, by one call per page and one to know that it has no pages',
    async (order, one, two) => {
      await using list = await start();
      const first = await list.page({ order });
      expect(first).toMatchObject({ ids: one, hasNextPage: true });
      expect(await list.page({ order, after: first.endCursor })).toMatchObject({ ids: two, hasNextPage: false });
      expect(list.world.targets()).toEqual(['/files', '/files', '/files']);
    },
  );

  it('rejects the cursor of a deleted file, and names the argument', async () => {
    await using list = await start();
    const after = Buffer.from('file:file-9').toString('base64url');
    const { errors } = await list.world.gateway.query(PAGE, { after });
    expect(errors).toMatchObject([
      {
        message: expect.stringMatching(/^after: .* start again with the first page, without after\.$/),
        extensions: { code: 'BAD_USER_INPUT', argument: 'after' },
      },
    ]);
  });

  it('is sorted when the server pages and ignores the order only', async () => {
    await using list = await start();
    const files = Array.from({ length: 25 }, (_, index) =>
      fileBody(`file-${index}`, { created_at: 1_760_000_000 - index }),
    );
    const handle = pager(files);
    list.world.upstream.on('/files', (request: IncomingMessage, response: ServerResponse) => {
      request.url = (request.url ?? '').replace(/order=\w+/, '');
      handle(request, response);
    });
    const ids: string[] = [];
    for (let after: string | null = null, hasMore = true; hasMore; ) {
      const page = await list.page({ order: 'ASC', after, first: 10 });
      ids.push(...page.ids);
      ({ hasNextPage: hasMore, endCursor: after } = page);
    }
    expect(ids).toEqual(files.map(({ id }) => id).toReversed());
  });
});
