import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Observation } from '../../../../src/store/cache/freshness.ts';
import { estimateBytes } from '../../../../src/store/cache/size-estimate.ts';
import { type EventLog, mergePage } from '../../../../src/store/resources/event-log.ts';
import { logPageOf } from '../../../../src/store/resources/log-item.ts';
import { lastIdOf } from '../../../../src/store/resources/log-segment.ts';
import { type JobEvent, readEvent } from '../../../../src/upstream/resources/event.ts';
import type { Page, PageItem, PageRequest } from '../../../../src/upstream/resources/page.ts';
import { eventBody } from '../../../kit/bodies/event.ts';
import { createTrueLog, type TrueLog } from '../../../kit/store/true-log.ts';

const MAX_LOG_BYTES = 8 * 1024 * 1024;
let responses = 0;
function addPage(log: EventLog | undefined, after: string | null, observation: Observation<Page<JobEvent>>) {
  const receivedSeq = ++responses;
  return mergePage(
    log,
    after,
    { ...observation, value: logPageOf(observation.value, receivedSeq), receivedSeq },
    MAX_LOG_BYTES,
  );
}
const idsOf = (items: readonly PageItem<JobEvent>[]) => items.map(({ id }) => id);

/** The log grows, pages of it are requested, and responses arrive in any order. */
type Step =
  | { kind: 'grow'; count: number }
  | { kind: 'request head'; limit: number; short: number }
  | { kind: 'request older'; index: number; limit: number; short: number }
  | { kind: 'respond'; index: number };

const limit = fc.integer({ min: 1, max: 8 });
const short = fc.integer({ min: 0, max: 3 });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('grow' as const), count: fc.integer({ min: 1, max: 14 }) }),
  fc.record({ kind: fc.constant('request head' as const), limit, short }),
  fc.record({ kind: fc.constant('request older' as const), index: fc.nat(), limit, short }),
  fc.record({ kind: fc.constant('respond' as const), index: fc.nat() }),
);

interface PendingRead {
  after: string | null;
  observation: Observation<Page<JobEvent>>;
}

function createWorld() {
  const truth = createTrueLog();
  let now = 0;
  const pending: PendingRead[] = [];
  const headReads: Observation<Page<JobEvent>>[] = [];
  let log: EventLog | undefined;
  const send = (request: PageRequest, short = 0) => {
    now += 1;
    pending.push({
      after: request.after,
      observation: { value: truth.page(request, short), requestedAt: now, receivedAt: Number.NaN },
    });
  };
  const respond = (index: number) => {
    const [read] = pending.splice(index % pending.length, 1);
    if (!read) return;
    now += 1;
    const observation = { ...read.observation, receivedAt: now };
    if (read.after === null) headReads.push(observation);
    log = addPage(log, read.after, observation);
  };
  return {
    truth,
    headReads,
    pending,
    send,
    respond,
    get log() {
      return log;
    },
    run(step: Step) {
      if (step.kind === 'grow') truth.grow(step.count);
      else if (step.kind === 'request head') send({ limit: step.limit, after: null }, step.short);
      else if (step.kind === 'respond') respond(step.index);
      else {
        // Any event, cached or not: clients can use old cursors.
        const event = truth.items[step.index % Math.max(1, truth.items.length)];
        if (event) send({ limit: step.limit, after: event.id }, step.short);
      }
    },
  };
}

/** Returns the index of a segment in the complete log. Fails unless it is in order and without gaps. */
function indexIn(truth: TrueLog, items: readonly PageItem<JobEvent>[]): number {
  const from = truth.items.findIndex(({ id }) => id === items[0]?.id);
  expect(idsOf(items)).toEqual(idsOf(truth.items.slice(from, from + items.length)));
  return from;
}

function expectConsistent({ truth, log, headReads }: ReturnType<typeof createWorld>): void {
  if (!log) {
    expect(headReads).toEqual([]);
    return;
  }
  const newest = headReads.reduce((a, b) => (b.requestedAt > a.requestedAt ? b : a));
  expect(log).toMatchObject({ requestedAt: newest.requestedAt, receivedAt: newest.receivedAt });
  expect(log.head.items[0]?.id).toBe(newest.value.items[0]?.id);
  if (log.head.items.length === 0) return;
  const from = indexIn(truth, log.head.items);
  const to = from + log.head.items.length;
  if (log.head.isComplete) expect(to).toBe(truth.items.length);
  if (log.older && log.older.items.length > 0) expect(indexIn(truth, log.older.items)).toBeGreaterThanOrEqual(to);
  const bytes = estimateBytes(log.head.items) + (log.older ? estimateBytes(log.older.items) : 0);
  expect(log.bytes).toBeGreaterThan(0.8 * bytes); // Approximate: a page is measured by its added and removed items.
  expect(log.bytes).toBeLessThan(1.25 * bytes + 2000);
}

const schedule = fc.array(step, { minLength: 1, maxLength: 60, size: 'max' });

describe('a log', () => {
  it('is a part of the complete log from the newest read on, for any reads in any order of responses: property', () => {
    fc.assert(
      fc.property(schedule, (steps) => {
        const world = createWorld();
        for (const step of steps) {
          world.run(step);
          expectConsistent(world);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('becomes the complete log when it is read back through every gap: property', () => {
    fc.assert(
      fc.property(schedule, limit, (steps, limit) => {
        const world = createWorld();
        for (const step of steps) world.run(step);
        while (world.pending.length > 0) world.respond(0);
        world.send({ limit, after: null });
        world.respond(0);
        while (world.log && !world.log.head.isComplete) {
          world.send({ limit, after: lastIdOf(world.log.head) });
          world.respond(0);
        }
        expect(idsOf(world.log?.head.items ?? [])).toEqual(idsOf(world.truth.items));
        expect(world.log?.older).toBeNull();
      }),
      { numRuns: 300 },
    );
  });

  it('that was read completely needs only the later events, after any number of gaps', () => {
    const truth = createTrueLog();
    let now = 0;
    const read = (log: EventLog | undefined, request: PageRequest) =>
      addPage(log, request.after, { value: truth.page(request), requestedAt: ++now, receivedAt: ++now });
    truth.grow(500);
    let log = read(undefined, { limit: 1000, after: null });
    for (let gap = 0; gap < 5; gap++) {
      truth.grow(30);
      log = read(log, { limit: 20, after: null });
    }
    for (let pages = 0; pages < 2; pages++) log = read(log, { limit: 100, after: log ? lastIdOf(log.head) : null });
    expect(log).toMatchObject({ head: { isComplete: true }, older: null });
    expect(idsOf(log?.head.items ?? [])).toEqual(idsOf(truth.items));
  });

  it('keeps the newest event when two reads of one millisecond are answered in reverse order: property', () => {
    fc.assert(
      fc.property(limit, limit, fc.integer({ min: 1, max: 8 }), (first, second, grown) => {
        fc.pre(grown < second);
        const truth = createTrueLog();
        truth.grow(10);
        const before = { value: truth.page({ limit: first, after: null }), requestedAt: 1, receivedAt: 3 };
        truth.grow(grown);
        const after = { value: truth.page({ limit: second, after: null }), requestedAt: 1, receivedAt: 2 };
        const log = addPage(addPage(undefined, null, after), null, before);
        expect(log?.head.items[0]?.id).toBe(truth.items[0]?.id);
      }),
    );
  });
});

describe('a response to an older request', () => {
  it('adds the events that the newer one lacks, and does not change the times of the log', () => {
    const truth = createTrueLog();
    truth.grow(30);
    const long = { value: truth.page({ limit: 20, after: null }), requestedAt: 1, receivedAt: 9 };
    truth.grow(1);
    const brief = { value: truth.page({ limit: 2, after: null }), requestedAt: 2, receivedAt: 3 };
    const log = addPage(addPage(undefined, null, brief), null, long);
    expect(idsOf(log?.head.items ?? [])).toEqual(idsOf(truth.items.slice(0, 21)));
    expect(log).toMatchObject({ requestedAt: 2, receivedAt: 3 });
  });

  it('is ignored when it shares no event with the log', () => {
    const truth = createTrueLog();
    truth.grow(30);
    const older = { value: truth.page({ limit: 5, after: null }), requestedAt: 1, receivedAt: 9 };
    truth.grow(10);
    const log = addPage(undefined, null, {
      value: truth.page({ limit: 3, after: null }),
      requestedAt: 2,
      receivedAt: 3,
    });
    expect(addPage(log, null, older)).toBe(log);
  });
});

describe('the final event', () => {
  const final = { message: 'The job has successfully completed' };

  it('closes the log at the time of its response, permanently', () => {
    const truth = createTrueLog();
    truth.grow(3);
    const open = addPage(undefined, null, {
      value: truth.page({ limit: 5, after: null }),
      requestedAt: 1,
      receivedAt: 2,
    });
    truth.grow(1, final);
    const closed = addPage(open, null, { value: truth.page({ limit: 2, after: null }), requestedAt: 3, receivedAt: 4 });
    const again = addPage(closed, null, {
      value: truth.page({ limit: 2, after: null }),
      requestedAt: 5,
      receivedAt: 6,
    });
    expect([open, closed, again].map((log) => log?.closedAt)).toEqual([null, 4, 4]);
  });

  it('does not close the log when it is read behind the head', () => {
    const truth = createTrueLog();
    truth.grow(1, final);
    truth.grow(1);
    const log = addPage(undefined, null, {
      value: truth.page({ limit: 1, after: null }),
      requestedAt: 1,
      receivedAt: 2,
    });
    const after = truth.items[0]?.id ?? '';
    const observation = { value: truth.page({ limit: 5, after }), requestedAt: 3, receivedAt: 4 };
    expect(addPage(log, after, observation)?.closedAt).toBeNull();
  });
});

describe('a page in another order than the known events', () => {
  const listed = (ids: string) => [...ids].map((id) => ({ id, value: readEvent(eventBody(id)) }));
  const read = (log: EventLog | undefined, ids: string, hasMore: boolean, at: number) =>
    addPage(log, null, { value: { items: listed(ids), hasMore }, requestedAt: at, receivedAt: at });

  it.each([
    ['ncax', true, ['nabcx', 'd']],
    ['ncax', false, ['nabcxd', undefined]],
    ['cnax', true, ['abcnx', 'd']],
    ['dan', true, ['abcdn', '']],
  ])('adds its unknown events: %s, more behind it: %s', (ids, hasMore, expected) => {
    const log = read(read(undefined, 'abcd', false, 1), ids, hasMore, 2);
    expect([idsOf(log?.head.items ?? []).join(''), log?.older && idsOf(log.older.items).join('')]).toEqual([
      expected[0],
      expected[1] ?? null,
    ]);
  });
});

describe('pages of older events', () => {
  it('are ignored when there is no log', () => {
    expect(
      addPage(undefined, 'ftevent-1', { value: { items: [], hasMore: false }, requestedAt: 1, receivedAt: 2 }),
    ).toBeUndefined();
  });

  it('change nothing when the log lacks their cursor', () => {
    const truth = createTrueLog();
    truth.grow(30);
    const log = addPage(undefined, null, {
      value: truth.page({ limit: 5, after: null }),
      requestedAt: 1,
      receivedAt: 2,
    });
    const after = truth.items[10]?.id ?? '';
    expect(addPage(log, after, { value: truth.page({ limit: 5, after }), requestedAt: 3, receivedAt: 4 })).toBe(log);
  });
});

describe('the size limit', () => {
  it('removes the oldest events: property', () => {
    const step = fc.record({ count: fc.integer({ min: 1, max: 12 }), kilobytes: fc.integer({ min: 1, max: 600 }) });
    fc.assert(
      fc.property(fc.array(step, { minLength: 5, maxLength: 12, size: 'max' }), (steps) => {
        const truth = createTrueLog();
        let log: EventLog | undefined;
        let now = 0;
        for (const { count, kilobytes } of steps) {
          truth.grow(count, { message: 'x'.repeat(kilobytes * 500) }); // Text counts as two bytes per character.
          const page = truth.page({ limit: 15, after: null });
          log = addPage(log, null, { value: page, requestedAt: ++now, receivedAt: ++now });
          const after = log ? lastIdOf(log.head) : null;
          log = addPage(log, after, { value: truth.page({ limit: 15, after }), requestedAt: ++now, receivedAt: ++now });
          expect(log?.bytes).toBeLessThanOrEqual(MAX_LOG_BYTES);
          expect(log?.head.items[0]?.id).toBe(truth.items[0]?.id);
          indexIn(truth, log?.head.items ?? []);
          if (log?.head.isComplete) expect(log.head.items).toHaveLength(truth.items.length);
        }
      }),
      { numRuns: 30 },
    );
  });
});
