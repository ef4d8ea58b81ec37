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

/** A server that knows `limit`, up to a maximum, and ids as `after`. */
function setLog({ upstream }: World, events: readonly unknown[], maxLimit = 10_000): void {
  upstream.on(`${JOB}/events`, ({ url }: IncomingMessage, response: ServerResponse) => {
    const query = new URL(url ?? '', 'http://upstream').searchParams;
    const [after, limit] = [query.get('after'), Number(query.get('limit'))];
    if (limit > maxLimit) return writeResponse(response, 400, { error: { message: `limit: at most ${maxLimit}` } });
    const start = after === null ? 0 : events.findIndex((event) => Object(event).id === after) + 1;
    if (after !== null && start === 0) return writeResponse(response, 400, { error: { message: 'unknown cursor' } });
    const data = events.slice(start, start + limit);
    writeResponse(response, 200, { object: 'list', data, has_more: start + limit < events.length });
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
    ['no valid id', '..'],
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
    setLog(world, events, 100);
    expect(await readAll(world, 40)).toEqual(messages(330));
  });

  it('is an error, not an end, where the server has no larger page', async () => {
    await using world = await startWith();
    setLog(
      world,
      messages(330).map((text) => withoutId(text)),
      100,
    );
    const { pageInfo } = await readPage(world, 100);
    const { data, errors } = await world.gateway.query(PAGE, { first: 50, after: pageInfo.endCursor });
    expect(data).toEqual({ fineTuningJob: { events: null } });
    expect(errors).toMatchObject([{ extensions: { code: 'UPSTREAM_INVALID_RESPONSE' } }]);
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
