import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { checkpointBody } from '../../kit/bodies/checkpoint.ts';
import { eventBody, stepBody } from '../../kit/bodies/event.ts';
import { jobBody } from '../../kit/bodies/job.ts';
import { type Feed, startFeed } from '../../kit/gateway/feed.ts';
import { writeResponse } from '../../kit/gateway/upstream.ts';
import type { World } from '../../kit/gateway/world.ts';
import { NO_CACHE } from '../../kit/gateway/world.ts';

const JOB = '/fine_tuning/jobs/ftjob-1';
const PAGE = `query ($first: Int, $after: String) { fineTuningJob(id: "ftjob-1") { events(first: $first, after: $after) {
  edges { node { id message } } pageInfo { hasNextPage endCursor } } } }`;

const METRICS = '{ fineTuningJob(id: "ftjob-1") { metrics { totalPoints isComplete } } }';

interface Connection {
  edges: { node: { id: string; message: string } }[];
  pageInfo: { hasNextPage: boolean; endCursor: string | null };
}

const withoutId = (message: string, members: Record<string, unknown> = {}) =>
  eventBody('', { message, id: undefined, ...members });
const messages = (count: number) => Array.from({ length: count }, (_, index) => `line ${count - index}`);

/** A world with one job and this log, newest first. */
async function startWith(...events: unknown[]): Promise<Feed> {
  return await startWithSettings({}, ...events);
}

async function startWithSettings(settings: Record<string, string>, ...events: unknown[]): Promise<Feed> {
  const feed = await startFeed(settings);
  feed.upstream.onJob(jobBody({ id: 'ftjob-1' }));
  setLog(feed, events);
  return feed;
}

interface Habits {
  readonly maxLimit?: number;
  readonly isOldestFirst?: boolean;
  /** Whether it sends `has_more`. */
  readonly hasMore?: boolean;
}

/** A server that knows `limit`, up to a maximum, and ids as `after`. The events are newest first. */
function setLog({ upstream }: World, newestFirst: readonly unknown[], habits: Habits = {}): void {
  const { maxLimit = 10_000, isOldestFirst = false, hasMore = true } = habits;
  const events = isOldestFirst ? newestFirst.toReversed() : newestFirst;
  upstream.on(`${JOB}/events`, ({ url }: IncomingMessage, response: ServerResponse) => {
    const query = new URL(url ?? '', 'http://upstream').searchParams;
    const [after, limit] = [query.get('after'), Number(query.get('limit'))];
    if (limit > maxLimit) return writeResponse(response, 400, { error: { message: `limit: at most ${maxLimit}` } });
    const start = after === null ? 0 : events.findIndex((event) => Object(event).id === after) + 1;
    if (after !== null && start === 0) return writeResponse(response, 400, { error: { message: 'unknown cursor' } });
    const data = events.slice(start, start + limit);
    const end = hasMore ? { has_more: start + limit < events.length } : {};
    writeResponse(response, 200, { object: 'list', data, ...end });
  });
}

async function readPage(world: World, first: number, after: string | null = null): Promise<Connection> {
  const { fineTuningJob } = await world.ask<{ fineTuningJob: { events: Connection } }>(PAGE, { first, after });
  return fineTuningJob.events;
}

async function readAll(world: World, first: number): Promise<string[]> {
  const received: string[] = [];
  for (let after: string | null = null; ; ) {
    const { edges, pageInfo } = await readPage(world, first, after);
    received.push(...edges.map(({ node }) => node.message));
    if (!pageInfo.hasNextPage) return received;
    after = pageInfo.endCursor;
  }
}

describe('an event without an id', () => {
  it.each([
    ['absent', undefined],
    ['null', null],
    ['empty', ''],
    ['a number', 7],
  ])('has one that is derived from its content when the id is %s', async (_, id) => {
    await using world = await startWith(eventBody('a2'), withoutId('Job started', { id }), eventBody('a1'));
    const { edges } = await readPage(world, 20);
    expect(edges.map(({ node }) => node.id)).toEqual(['a2', expect.stringMatching(/^derived-[0-9a-f]{32}$/), 'a1']);
  });

  it('keeps its id on other pages, after a restart, and when newer events arrive', async () => {
    await using world = await startWith(withoutId('b'), withoutId('a'));
    const before = (await readPage(world, 20)).edges.map(({ node }) => node.id);
    world.clock.advance(1000);
    setLog(world, [withoutId('c'), withoutId('b'), withoutId('a')]);
    const after = (await readPage(world, 20)).edges.map(({ node }) => node.id);
    expect(after.slice(1)).toEqual(before);
    await using restarted = await startWith(withoutId('a', { data: {}, object: 'event' }));
    expect((await readPage(restarted, 20)).edges.map(({ node }) => node.id)).toEqual(before.slice(1));
  });

  it('is another one in another second, with other data, or for another job, and counted when all is equal', async () => {
    const same = withoutId('a');
    await using world = await startWith(same, same, withoutId('a', { created_at: 7 }), withoutId('a', { data: 7 }));
    const ids = (await readPage(world, 20)).edges.map(({ node }) => node.id);
    expect(new Set(ids).size).toBe(4);
    expect(ids[0]).toBe(`${ids[1]}-2`);
    world.clock.advance(1000);
    setLog(world, [same, same, same]);
    expect((await readPage(world, 20)).edges.map(({ node }) => node.id).slice(0, 3)).toEqual([
      `${ids[1]}-3`,
      ids[0],
      ids[1],
    ]);
  });

  it('is alone an error when its data has too many levels', async () => {
    const levels = 20_000;
    const deep = JSON.stringify(withoutId('deep', { data: 'x' })).replace(
      '"x"',
      `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`,
    );
    const [b, a] = ['b', 'a'].map((text) => JSON.stringify(withoutId(text)));
    await using world = await startWith();
    world.upstream.on(`${JOB}/events`, (_: IncomingMessage, response: ServerResponse) => {
      response.setHeader('content-type', 'application/json').end(`{"data":[${b},${deep},${a}],"has_more":false}`);
    });
    const { data: result, errors } = await world.gateway.query(PAGE, { first: 20 });
    const { edges } = Object(result).fineTuningJob.events;
    expect(edges.map(({ node }: { node: unknown }) => Object(node).message)).toEqual(['b', undefined, 'a']);
    expect(errors).toMatchObject([{ extensions: { code: 'UPSTREAM_INVALID_RESPONSE' } }]);
  });

  it('is in progress and metrics', async () => {
    await using world = await startWith(...[3, 2, 1].map((step) => ({ ...stepBody(step, 4), id: undefined })));
    expect(
      await world.ask('{ fineTuningJob(id: "ftjob-1") { progress { step } metrics { points { step } isComplete } } }'),
    ).toEqual({
      fineTuningJob: {
        progress: { step: 3 },
        metrics: { points: [1, 2, 3].map((step) => ({ step })), isComplete: true },
      },
    });
  });

  it('is sent once to subscribers', async () => {
    await using feed = await startWith(...messages(3).map((text) => withoutId(text)));
    const query = (args: string) =>
      `subscription { fineTuningJobEventAdded(jobId: "ftjob-1"${args}) { event { message } } }`;
    const streams = await Promise.all([query(''), query(', fromStart: true')].map((text) => feed.subscribe(text)));
    await feed.advanceBy(0);
    for (const count of [5, 5, 250]) {
      setLog(
        feed,
        messages(count).map((text) => withoutId(text)),
      );
      await feed.advanceBy(2000);
    }
    setLog(
      feed,
      ['The job has successfully completed', ...messages(250)].map((text) => withoutId(text)),
    );
    await feed.advanceBy(2000);
    for (const [index, first] of [3, 0].entries()) {
      const received: string[] = [];
      for (let result = await streams[index]?.result(); result; result = await streams[index]?.result())
        received.push(Object(result).data.fineTuningJobEventAdded.event.message);
      expect(received).toEqual([...messages(250).toReversed().slice(first), 'The job has successfully completed']);
    }
  });
});

describe('a subscription to a log whose lines change', () => {
  const subscription = 'subscription { fineTuningJobEventAdded(jobId: "ftjob-1") { event { message } } }';

  it('continues with the new lines', async () => {
    await using feed = await startWith(withoutId('Step 1'));
    await using stream = await feed.subscribe(subscription);
    await feed.advanceBy(0);
    const logs = [['Step 1, 2'], ['Step 1, 2, 3'], ['The job has successfully completed', 'Step 3', 'Step 1, 2, 3']];
    for (const log of logs) {
      setLog(
        feed,
        log.map((text) => withoutId(text)),
      );
      await feed.advanceBy(2000);
    }
    const received = [];
    for (let result = await stream.result(); result; result = await stream.result()) received.push(result);
    const expected = ['Step 1, 2', 'Step 1, 2, 3', 'Step 3', 'The job has successfully completed'];
    expect(received).toEqual(
      expected.map((message) => ({ data: { fineTuningJobEventAdded: { event: { message } } } })),
    );
  });

  it('fails without naming an argument when the new log does not end', async () => {
    await using feed = await startWith(withoutId('Step 1'));
    await using stream = await feed.subscribe(subscription);
    await feed.advanceBy(0);
    feed.upstream.on(`${JOB}/events`, { object: 'list', data: [eventBody('a1')], has_more: true });
    await feed.advanceBy(2000);
    const { errors } = Object(await stream.result());
    expect(errors).toMatchObject([{ extensions: { code: 'UPSTREAM_INVALID_RESPONSE' } }]);
    expect(errors[0].extensions.argument).toBeUndefined();
  });
});

describe('a log of events without ids', () => {
  it.each([
    ['without caching', NO_CACHE],
    ['with the default settings', {}],
  ])('is paged without gaps and duplicates, %s', async (_, settings) => {
    await using world = await startWithSettings(settings, ...messages(330).map((text) => withoutId(text)));
    expect(await readAll(world, 40)).toEqual(messages(330));
  });

  it('is paged by the ids that some of its events have', async () => {
    const events = messages(330).map((text, index) =>
      index % 5 === 3 ? eventBody(`e${index}`, { message: text }) : withoutId(text),
    );
    await using world = await startWith();
    setLog(world, events, { maxLimit: 100 });
    expect(await readAll(world, 40)).toEqual(messages(330));
  });

  it('is an error, not an end, where the server has no larger page', async () => {
    await using world = await startWith();
    setLog(
      world,
      messages(330).map((text) => withoutId(text)),
      { maxLimit: 100 },
    );
    const { pageInfo } = await readPage(world, 100);
    const last = await readPage(world, 50, pageInfo.endCursor);
    expect(last).toMatchObject({ edges: [{ node: { message: 'line 231' } }], pageInfo: { hasNextPage: true } });
    const { data, errors } = await world.gateway.query(PAGE, { first: 50, after: last.pageInfo.endCursor });
    expect(data).toEqual({ fineTuningJob: { events: null } });
    expect(errors).toMatchObject([{ extensions: { code: 'UPSTREAM_INVALID_RESPONSE' } }]);
  });

  it.each([
    ['a server that knows ids', {}],
    ['a server that lists the oldest first', { isOldestFirst: true }],
    ['a server without has_more', { hasMore: false }],
    ['a server with a small maximum', { maxLimit: 200 }],
  ])('has each of its equal events once, on pages of any length, on %s', async (_, habits) => {
    for (const first of [2, 39, 40, 41]) {
      await using world = await startWithSettings(NO_CACHE);
      // Pairs of equal events, not always neighbors: line 0, 1, 0, 1, then 2, 3, 2, 3.
      const lines = Array.from({ length: 120 }, (_, index) => 2 * Math.floor(index / 4) + (index % 2));
      const events = lines.map((line) => withoutId(`line ${line}`, { created_at: 1_760_000_000 - (line >> 1) }));
      setLog(world, events, habits);
      expect(await readAll(world, first)).toEqual(lines.map((line) => `line ${line}`));
    }
  });

  it('is read as a whole by one query for metrics, within its declared calls', async () => {
    await using world = await startWith();
    const steps = Array.from({ length: 9000 }, (_, index) => ({ ...stepBody(9000 - index, 9000), id: undefined }));
    setLog(world, steps);
    const before = world.upstream.calls.length;
    expect(await world.ask(METRICS)).toEqual({ fineTuningJob: { metrics: { totalPoints: 9000, isComplete: true } } });
    expect(world.upstream.calls.length - before).toBeLessThanOrEqual(10);
  });

  it.each([
    ['more than the gateway reads', {}, 14_000, 10_000],
    ['more than the server sends', { maxLimit: 500 }, 1400, 500],
  ])('shows an incomplete curve when it has %s', async (_, habits, count, shown) => {
    await using world = await startWith();
    const steps = Array.from({ length: count }, (_, index) => ({ ...stepBody(count - index, count), id: undefined }));
    setLog(world, steps, habits);
    for (const maxCalls of [22, 10]) {
      const before = world.upstream.calls.length;
      expect(await world.ask(METRICS)).toEqual({
        fineTuningJob: { metrics: { totalPoints: shown, isComplete: false } },
      });
      expect(world.upstream.calls.length - before).toBeLessThanOrEqual(maxCalls);
    }
  });

  it('is read within the declared calls by the ids that some of its events have', async () => {
    await using world = await startWith();
    const steps = Array.from({ length: 3000 }, (_, index) => {
      const body = stepBody(3000 - index, 3000);
      return index % 7 === 3 ? body : { ...body, id: undefined };
    });
    setLog(world, steps, { maxLimit: 100 });
    for (const isComplete of [false, true]) {
      const before = world.upstream.calls.length;
      expect(await world.ask(METRICS)).toMatchObject({ fineTuningJob: { metrics: { isComplete } } });
      expect(world.upstream.calls.length - before).toBeLessThanOrEqual(22);
    }
    expect(await world.ask(METRICS)).toMatchObject({ fineTuningJob: { metrics: { totalPoints: 3000 } } });
  });

  it('does not accept the cursor of an event that it does not have', async () => {
    await using world = await startWith(withoutId('a'));
    const after = Buffer.from('event:derived-0').toString('base64url');
    const { errors } = await world.gateway.query(PAGE, { first: 50, after });
    expect(errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT', argument: 'after' } }]);
  });
});

describe('a checkpoint without an id', () => {
  it('has one that is derived from its job, its step and its model', async () => {
    await using world = await startWith();
    const body = { ...checkpointBody('x'), id: undefined };
    world.upstream.on(`${JOB}/checkpoints`, {
      object: 'list',
      data: [body, { ...body, step_number: 7 }],
      has_more: false,
    });
    const { fineTuningJob } = await world.ask<{ fineTuningJob: { checkpoints: Connection } }>(
      '{ fineTuningJob(id: "ftjob-1") { checkpoints { edges { node { id } } } } }',
    );
    const ids = fineTuningJob.checkpoints.edges.map(({ node }) => node.id);
    expect(ids).toEqual(Array(2).fill(expect.stringMatching(/^derived-[0-9a-f]{32}$/)));
    expect(new Set(ids).size).toBe(2);
  });
});
