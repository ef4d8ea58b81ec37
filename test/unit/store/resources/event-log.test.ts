import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Observation } from '../../../../src/store/cache/freshness.ts';
import { estimateBytes } from '../../../../src/store/cache/size-estimate.ts';
import { type EventLog, mergePage } from '../../../../src/store/resources/event-log.ts';
import { lastIdOf } from '../../../../src/store/resources/log-segment.ts';
import type { JobEvent } from '../../../../src/upstream/resources/event.ts';
import type { Page, PageItem, PageRequest } from '../../../../src/upstream/resources/page.ts';
import { createTrueLog, type TrueLog } from '../../../kit/store/true-log.ts';

const MAX_LOG_BYTES = 8 * 1024 * 1024;
const addPage = (log: EventLog | undefined, after: string | null, observation: Observation<Page<JobEvent>>) =>
  mergePage(log, after, observation, MAX_LOG_BYTES);
const idsOf = (items: readonly PageItem<JobEvent>[]) => items.map(({ id }) => id);

/** What happens to a log: it grows, pages of it are asked for, and answers arrive in whatever order. */
type Happening =
  | { kind: 'grow'; count: number }
  | { kind: 'ask head'; limit: number; short: number }
  | { kind: 'ask behind'; place: number; limit: number; short: number }
  | { kind: 'land'; which: number };

const limit = fc.integer({ min: 1, max: 8 });
const short = fc.integer({ min: 0, max: 3 });
const happening: fc.Arbitrary<Happening> = fc.oneof(
  fc.record({ kind: fc.constant('grow' as const), count: fc.integer({ min: 1, max: 14 }) }),
  fc.record({ kind: fc.constant('ask head' as const), limit, short }),
  fc.record({ kind: fc.constant('ask behind' as const), place: fc.nat(), limit, short }),
  fc.record({ kind: fc.constant('land' as const), which: fc.nat() }),
);

interface Asked {
  after: string | null;
  observation: Observation<Page<JobEvent>>;
}

function createWorld() {
  const truth = createTrueLog();
  let now = 0;
  const pending: Asked[] = [];
  const headsLanded: Observation<Page<JobEvent>>[] = [];
  let log: EventLog | undefined;
  const ask = (request: PageRequest, short = 0) => {
    now += 1;
    pending.push({
      after: request.after,
      observation: { value: truth.page(request, short), requestedAt: now, receivedAt: Number.NaN },
    });
  };
  const land = (which: number) => {
    const [asked] = pending.splice(which % pending.length, 1);
    if (!asked) return;
    now += 1;
    const seen = { ...asked.observation, receivedAt: now };
    if (asked.after === null) headsLanded.push(seen);
    log = addPage(log, asked.after, seen);
  };
  return {
    truth,
    headsLanded,
    pending,
    ask,
    land,
    get log() {
      return log;
    },
    happen(what: Happening) {
      if (what.kind === 'grow') truth.grow(what.count);
      else if (what.kind === 'ask head') ask({ limit: what.limit, after: null }, what.short);
      else if (what.kind === 'land') land(what.which);
      else {
        // Behind what is known, or any other event: clients keep cursors for long.
        const known = truth.items[what.place % Math.max(1, truth.items.length)];
        if (known) ask({ limit: what.limit, after: known.id }, what.short);
      }
    },
  };
}

/** Where a stretch stands in the truth; fails unless it is one, in order and without gaps. */
function placeOf(truth: TrueLog, items: readonly PageItem<JobEvent>[]): number {
  const from = truth.items.findIndex(({ id }) => id === items[0]?.id);
  expect(idsOf(items)).toEqual(idsOf(truth.items.slice(from, from + items.length)));
  return from;
}

function expectTrue({ truth, log, headsLanded }: ReturnType<typeof createWorld>): void {
  if (!log) {
    expect(headsLanded).toEqual([]);
    return;
  }
  const newest = headsLanded.reduce((a, b) => (b.requestedAt > a.requestedAt ? b : a));
  expect(log).toMatchObject({ requestedAt: newest.requestedAt, receivedAt: newest.receivedAt });
  expect(log.head.items[0]?.id).toBe(newest.value.items[0]?.id);
  if (log.head.items.length === 0) return;
  const from = placeOf(truth, log.head.items);
  const to = from + log.head.items.length;
  if (log.head.isComplete) expect(to).toBe(truth.items.length);
  if (log.older && log.older.items.length > 0) expect(placeOf(truth, log.older.items)).toBeGreaterThanOrEqual(to);
  const weight = estimateBytes(log.head.items) + (log.older ? estimateBytes(log.older.items) : 0);
  expect(log.bytes).toBeGreaterThan(0.8 * weight); // Of a page that is known in part, the part is estimated.
  expect(log.bytes).toBeLessThan(1.25 * weight + 2000);
}

const happenings = fc.array(happening, { minLength: 1, maxLength: 60, size: 'max' });

describe('a log', () => {
  it('is a piece of the truth from the newest look on, whatever is read and in whatever order it lands: property', () => {
    fc.assert(
      fc.property(happenings, (all) => {
        const world = createWorld();
        for (const what of all) {
          world.happen(what);
          expectTrue(world);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('is the whole truth once it is read back from its tail, through every gap: property', () => {
    fc.assert(
      fc.property(happenings, limit, (all, limit) => {
        const world = createWorld();
        for (const what of all) world.happen(what);
        while (world.pending.length > 0) world.land(0);
        world.ask({ limit, after: null });
        world.land(0);
        while (world.log && !world.log.head.isComplete) {
          world.ask({ limit, after: lastIdOf(world.log.head) });
          world.land(0);
        }
        expect(idsOf(world.log?.head.items ?? [])).toEqual(idsOf(world.truth.items));
        expect(world.log?.older).toBeNull();
      }),
      { numRuns: 300 },
    );
  });

  it('that was read to its beginning needs only what came since, after any number of gaps', () => {
    const truth = createTrueLog();
    let now = 0;
    const look = (log: EventLog | undefined, request: PageRequest) =>
      addPage(log, request.after, { value: truth.page(request), requestedAt: ++now, receivedAt: ++now });
    truth.grow(500);
    let log = look(undefined, { limit: 1000, after: null });
    for (let gap = 0; gap < 5; gap++) {
      truth.grow(30);
      log = look(log, { limit: 20, after: null });
    }
    for (let pages = 0; pages < 2; pages++) log = look(log, { limit: 100, after: log ? lastIdOf(log.head) : null });
    expect(log).toMatchObject({ head: { isComplete: true }, older: null });
    expect(idsOf(log?.head.items ?? [])).toEqual(idsOf(truth.items));
  });

  it('keeps the newest event when two looks of the same millisecond land the wrong way round: property', () => {
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

describe('an answer to an older question', () => {
  it('adds what the newer one did not reach, and does not make the log look older or younger', () => {
    const truth = createTrueLog();
    truth.grow(30);
    const long = { value: truth.page({ limit: 20, after: null }), requestedAt: 1, receivedAt: 9 };
    truth.grow(1);
    const brief = { value: truth.page({ limit: 2, after: null }), requestedAt: 2, receivedAt: 3 };
    const log = addPage(addPage(undefined, null, brief), null, long);
    expect(idsOf(log?.head.items ?? [])).toEqual(idsOf(truth.items.slice(0, 21)));
    expect(log).toMatchObject({ requestedAt: 2, receivedAt: 3 });
  });

  it('is forgotten when it does not reach up to what is known', () => {
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

describe('the closing event', () => {
  const closing = { message: 'The job has successfully completed' };

  it('closes a log from the moment on when it arrived, and for good', () => {
    const truth = createTrueLog();
    truth.grow(3);
    const open = addPage(undefined, null, {
      value: truth.page({ limit: 5, after: null }),
      requestedAt: 1,
      receivedAt: 2,
    });
    truth.grow(1, closing);
    const closed = addPage(open, null, { value: truth.page({ limit: 2, after: null }), requestedAt: 3, receivedAt: 4 });
    const again = addPage(closed, null, {
      value: truth.page({ limit: 2, after: null }),
      requestedAt: 5,
      receivedAt: 6,
    });
    expect([open, closed, again].map((log) => log?.closedAt)).toEqual([null, 4, 4]);
  });

  it('is not looked for behind the head, where only old jobs tell of other ends', () => {
    const truth = createTrueLog();
    truth.grow(1, closing);
    truth.grow(1);
    const log = addPage(undefined, null, {
      value: truth.page({ limit: 1, after: null }),
      requestedAt: 1,
      receivedAt: 2,
    });
    const after = truth.items[0]?.id ?? '';
    const seen = { value: truth.page({ limit: 5, after }), requestedAt: 3, receivedAt: 4 };
    expect(addPage(log, after, seen)?.closedAt).toBeNull();
  });
});

describe('pages behind the head of a log', () => {
  it('are not kept without one', () => {
    expect(
      addPage(undefined, 'ftevent-1', { value: { items: [], hasMore: false }, requestedAt: 1, receivedAt: 2 }),
    ).toBeUndefined();
  });

  it('change nothing when they join nowhere', () => {
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

describe('its bound', () => {
  it('is kept at the cost of the oldest events: property', () => {
    const step = fc.record({ count: fc.integer({ min: 1, max: 12 }), kilobytes: fc.integer({ min: 1, max: 600 }) });
    fc.assert(
      fc.property(fc.array(step, { minLength: 5, maxLength: 12, size: 'max' }), (steps) => {
        const truth = createTrueLog();
        let log: EventLog | undefined;
        let now = 0;
        for (const { count, kilobytes } of steps) {
          truth.grow(count, { message: 'x'.repeat(kilobytes * 500) }); // Text is weighed at two bytes.
          const page = truth.page({ limit: 15, after: null });
          log = addPage(log, null, { value: page, requestedAt: ++now, receivedAt: ++now });
          const after = log ? lastIdOf(log.head) : null;
          log = addPage(log, after, { value: truth.page({ limit: 15, after }), requestedAt: ++now, receivedAt: ++now });
          expect(log?.bytes).toBeLessThanOrEqual(MAX_LOG_BYTES);
          expect(log?.head.items[0]?.id).toBe(truth.items[0]?.id);
          placeOf(truth, log?.head.items ?? []);
          if (log?.head.isComplete) expect(log.head.items).toHaveLength(truth.items.length);
        }
      }),
      { numRuns: 30 },
    );
  });
});
