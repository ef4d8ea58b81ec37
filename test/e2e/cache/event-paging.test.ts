import { describe, expect, it } from 'vitest';
import { eventBody } from '../../kit/bodies/event.ts';
import { jobBody } from '../../kit/bodies/job.ts';
import { NO_CACHE, startWorld, type World } from '../../kit/gateway/world.ts';

interface Connection {
  edges: { cursor: string; node: { id: string } | null }[];
  pageInfo: { hasNextPage: boolean; endCursor: string | null };
}

const PAGE = `query ($first: Int, $after: String) { fineTuningJob(id: "ftjob-1") { events(first: $first, after: $after) {
  edges { cursor node { id } } pageInfo { hasNextPage endCursor } } } }`;
const JOB = '/fine_tuning/jobs/ftjob-1';

/** Returns events of the same second, newest first. Their ids have no order. */
const eventsOf = (count: number, from = 0) =>
  Array.from({ length: count }, (_, index) =>
    eventBody(`ftevent-${(((from + index) * 7919) % 1_000_003).toString(36)}`, { created_at: 1_760_000_000 }),
  ).reverse();

async function pageOf(world: World, first: number, after: string | null): Promise<Connection> {
  const { fineTuningJob } = await world.ask<{ fineTuningJob: { events: Connection } }>(PAGE, { first, after });
  return fineTuningJob.events;
}

/** Reads the log from its head in pages of these lengths in turn. Returns all ids. Calls `betweenPages` after each page. */
async function readAll(world: World, lengths: readonly number[], betweenPages: (page: number) => unknown = () => {}) {
  const ids: (string | undefined)[] = [];
  let after: string | null = null;
  for (let page = 0; ; page++) {
    const first = lengths[page % lengths.length] ?? 1;
    const { edges, pageInfo } = await pageOf(world, first, after);
    expect(edges.length).toBe(pageInfo.hasNextPage ? first : edges.length);
    ids.push(...edges.map(({ node }) => node?.id));
    if (!pageInfo.hasNextPage) return ids;
    after = pageInfo.endCursor;
    await betweenPages(page);
  }
}

const MIXED = [1, 100, 7, 64, 2, 33, 100, 20];
const SETTINGS = [
  ['without caching', NO_CACHE],
  ['with the default settings', {}],
] as const;

describe('2,000 events of the same second', () => {
  it.each(SETTINGS)('are paged without gaps and duplicates, %s', async (_, settings) => {
    await using world = await startWorld(settings);
    world.upstream.onJob(jobBody({ id: 'ftjob-1' }));
    const events = eventsOf(2000);
    world.upstream.onEvents('ftjob-1', events);
    expect(await readAll(world, MIXED)).toEqual(events.map(({ id }) => id));
  });

  it.each(SETTINGS)(
    'are so while events are added and other clients read the head and the curve, %s',
    async (_, settings) => {
      await using world = await startWorld(settings);
      world.upstream.onJob(jobBody({ id: 'ftjob-1' }));
      const events = eventsOf(2000);
      world.upstream.onEvents('ftjob-1', events);
      let all = events;
      const ids = await readAll(world, MIXED, async (page) => {
        all = [...eventsOf(1 + ((page * 37) % 150), all.length), ...all];
        world.upstream.onEvents('ftjob-1', all);
        world.clock.advance((page * 331) % 1500);
        if (page % 2 === 0) await pageOf(world, MIXED[(page * 3) % MIXED.length] ?? 1, null);
        if (page % 5 === 0) await world.ask('{ fineTuningJob(id: "ftjob-1") { metrics { totalPoints } } }');
      });
      expect(ids).toEqual(events.map(({ id }) => id));
      expect(await readAll(world, [100])).toEqual(all.map(({ id }) => id));
    },
  );

  it('are so by three clients at once, with pages of different lengths', async () => {
    await using world = await startWorld();
    world.upstream.onJob(jobBody({ id: 'ftjob-1' }));
    const events = eventsOf(2000);
    world.upstream.onEvents('ftjob-1', events);
    const ids = events.map(({ id }) => id);
    expect(await Promise.all([readAll(world, MIXED), readAll(world, [100]), readAll(world, [99, 3])])).toEqual([
      ids,
      ids,
      ids,
    ]);
  });

  it('cost one read of the head when they were paged before', async () => {
    await using world = await startWorld();
    world.upstream.onJob(jobBody({ id: 'ftjob-1' }));
    world.upstream.onEvents('ftjob-1', eventsOf(2000));
    await readAll(world, [100]);
    world.clock.advance(1000);
    const before = world.upstream.calls.length;
    await readAll(world, MIXED);
    expect(world.upstream.calls.slice(before).map(({ target }) => target)).toEqual([JOB, `${JOB}/events?limit=10`]); // The order is unknown.
  });
});

describe('a gap in the cached log', () => {
  it('is filled by paging through it, and the events after it are not read again', async () => {
    await using world = await startWorld();
    world.upstream.onJob(jobBody({ id: 'ftjob-1' }));
    const old = eventsOf(500);
    world.upstream.onEvents('ftjob-1', old);
    await readAll(world, [100]);
    const all = [...eventsOf(250, 500), ...old];
    world.upstream.onEvents('ftjob-1', all);
    world.clock.advance(1000);
    const before = world.upstream.calls.length;
    expect(await readAll(world, [100])).toEqual(all.map(({ id }) => id));
    // The head, and two pages of the gap; the second one meets the known events.
    expect(world.upstream.calls.slice(before).filter(({ target }) => target.includes('/events'))).toHaveLength(3);
  });

  it('does not hide the events after an older cursor', async () => {
    await using world = await startWorld();
    world.upstream.onJob(jobBody({ id: 'ftjob-1' }));
    const old = eventsOf(100);
    world.upstream.onEvents('ftjob-1', old);
    const { pageInfo } = await pageOf(world, 40, null);
    world.upstream.onEvents('ftjob-1', [...eventsOf(250, 100), ...old]);
    world.clock.advance(1000);
    await pageOf(world, 10, null);
    const { edges } = await pageOf(world, 60, pageInfo.endCursor);
    expect(edges.map(({ node }) => node?.id)).toEqual(old.slice(40).map(({ id }) => id));
  });
});

describe('an event without an id', () => {
  it.each(SETTINGS)(
    'that fills a page with more behind it is an error, not an endless list, %s',
    async (_, settings) => {
      await using world = await startWorld(settings);
      world.upstream.onJob(jobBody({ id: 'ftjob-1' }));
      const [first, ...others] = eventsOf(5);
      const withoutId = { object: 'fine_tuning.job.event' };
      world.upstream.on(`${JOB}/events?limit=20`, {
        object: 'list',
        data: [first, withoutId, ...others],
        has_more: false,
      });
      world.upstream.on(`${JOB}/events?limit=10&after=${first?.id}`, {
        object: 'list',
        data: [withoutId],
        has_more: true,
      });
      await world.gateway.query(PAGE, { first: 20 });
      const after = Buffer.from(`event:${first?.id}`).toString('base64url');
      const { data, errors } = await world.gateway.query(PAGE, { first: 1, after });
      expect(data).toEqual({ fineTuningJob: { events: null } });
      expect(errors).toMatchObject([{ extensions: { code: 'UPSTREAM_INVALID_RESPONSE' } }]);
    },
  );
});
