import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stateOf } from '../../../../src/schema/core/job-status.ts';
import { createStore } from '../../../../src/store/store.ts';
import { UpstreamError } from '../../../../src/upstream/errors/upstream-error.ts';
import type { JobEvent } from '../../../../src/upstream/resources/event.ts';
import type { AddedItem } from '../../../../src/watch/streams/event-stream.ts';
import type { EventStart } from '../../../../src/watch/streams/log-reader.ts';
import { createWatcher } from '../../../../src/watch/watcher.ts';
import { createTestClock } from '../../../kit/clock.ts';
import { accessOf } from '../../../kit/store/access.ts';
import { createLinearUpstream } from '../../../kit/store/linear-upstream.ts';
import { createTrueLog } from '../../../kit/store/true-log.ts';

const ID = 'ftjob-a';
const CLOSING = { message: 'The job has successfully completed' };
const access = accessOf({ apiKey: 'events' });

interface Limits {
  readonly activeMs: number;
  readonly settledMs: number;
  readonly maxBytes: number;
}
const ROOMY: Limits = { activeMs: 1000, settledMs: 300_000, maxBytes: 50_000_000 };

/** A reader, and what it was given. */
interface Reader {
  readonly got: string[];
  isDone: boolean;
  error: Error | undefined;
  /** Reads one event as soon as there is one. */
  read(): void;
  leave(): Promise<unknown>;
}

/** A job with a log; the upstream answers at once, unless it is `down`. */
function createWorld(limits: Limits) {
  const clock = createTestClock();
  const log = createTrueLog();
  const linear = createLinearUpstream(clock);
  linear.put(ID, 'running');
  const calls: string[] = [];
  const state = { isDown: false };
  const upstream: typeof linear.upstream = {
    ...linear.upstream,
    events: {
      async list(_jobId, request) {
        calls.push(request.after ?? 'head');
        await null;
        if (state.isDown) throw new UpstreamError('UPSTREAM_UNAVAILABLE', 'down');
        return log.page(request);
      },
    },
  };
  const store = createStore({ upstream, clock, ...limits });
  const watcher = createWatcher({ store, clock, stateOf, pollIntervalMs: 2000 });

  function join(start: EventStart): Reader {
    const events = watcher.feeds(access).events(ID, start)[Symbol.asyncIterator]();
    let isReading = false;
    const reader: Reader = {
      got: [],
      isDone: false,
      error: undefined,
      read() {
        if (isReading || reader.isDone) return;
        isReading = true;
        const took = ({ done, value }: IteratorResult<AddedItem<JobEvent>>) => {
          isReading = false;
          if (done) reader.isDone = true;
          else reader.got.push(value.value.id);
        };
        events.next().then(took, (error) => {
          reader.isDone = true;
          reader.error = error;
        });
      },
      leave: () => events.return?.() ?? Promise.resolve(),
    };
    return reader;
  }

  /** Lets what is under way happen. */
  async function turn() {
    await setImmediate();
    for (const call of [...linear.pending]) call.respond();
    await setImmediate();
  }

  /** Lets time pass, and everybody read all there is. */
  async function pass(ms: number, readers: readonly Reader[] = []) {
    await turn();
    for (let left = ms; left > 0; left -= 1000) {
      clock.advance(1000);
      await turn();
      for (let before = -1; before !== count(readers); ) {
        before = count(readers);
        for (const reader of readers) reader.read();
        await turn();
      }
    }
  }
  return { clock, log, linear, calls, state, watcher, join, turn, pass };
}

const count = (readers: readonly Reader[]) => readers.reduce((sum, { got }) => sum + got.length, 0);
const idsOf = ({ log }: ReturnType<typeof createWorld>) => log.items.map(({ id }) => id ?? '').reverse();

describe('a reader of a log', () => {
  it('gets what is added from now on, oldest first, also when 500 events come between two looks', async () => {
    const world = createWorld(ROOMY);
    world.log.grow(30);
    const reader = world.join({ kind: 'now' });
    await world.pass(2000, [reader]);
    expect(reader.got).toEqual([]);
    world.log.grow(500);
    await world.pass(20_000, [reader]);
    expect(reader.got).toEqual(idsOf(world).slice(30));
  });

  it('begins with the first event, or behind any, however far back', async () => {
    const world = createWorld(ROOMY);
    world.log.grow(1234);
    const ids = idsOf(world);
    const readers = [world.join({ kind: 'start' }), world.join({ kind: 'since', id: ids[3] ?? '' })];
    await world.pass(4000, readers);
    expect(readers.map(({ got }) => got)).toEqual([ids, ids.slice(4)]);
  });

  it('is told when the event behind which it wants to begin is unknown', async () => {
    const world = createWorld(ROOMY);
    world.log.grow(250);
    const reader = world.join({ kind: 'since', id: 'ftevent-unknown' });
    await world.pass(4000, [reader]);
    expect(reader.error).toMatchObject({ name: 'UnknownPlace', start: { kind: 'since', id: 'ftevent-unknown' } });
    expect(world.watcher.size).toBe(0);
  });

  it('gets the events that come after the end of the job, and is done after the closing one', async () => {
    const world = createWorld(ROOMY);
    const reader = world.join({ kind: 'start' });
    world.log.grow(3);
    await world.pass(4000, [reader]);
    world.linear.put(ID, 'succeeded');
    await world.pass(6000, [reader]);
    expect(reader.isDone).toBe(false);
    world.log.grow(1, CLOSING);
    await world.pass(6000, [reader]);
    expect(reader).toMatchObject({ isDone: true, got: idsOf(world) });
    expect(world.watcher.size).toBe(0);
  });

  it('is done a minute after the end of a job whose log is never closed', async () => {
    const world = createWorld(ROOMY);
    const reader = world.join({ kind: 'now' });
    await world.pass(2000, [reader]);
    world.linear.put(ID, 'cancelled');
    await world.pass(50_000, [reader]);
    world.log.grow(1);
    expect(reader.isDone).toBe(false);
    await world.pass(30_000, [reader]);
    expect(reader).toMatchObject({ isDone: true, got: idsOf(world) });
  });

  it('that pauses for a minute has missed nothing, and delays nobody', async () => {
    const world = createWorld(ROOMY);
    const [slow, quick] = [world.join({ kind: 'start' }), world.join({ kind: 'start' })];
    world.log.grow(5);
    await world.pass(3000, [slow, quick]);
    for (let minute = 0; minute < 12; minute++) {
      world.log.grow(100);
      await world.pass(5000, [quick]);
    }
    expect(quick.got).toEqual(idsOf(world));
    expect(slow.got).toEqual(idsOf(world).slice(0, 6)); // One was being read already.
    await world.pass(1000, [slow]);
    expect(slow.got).toEqual(idsOf(world));
  });

  it('shares its looks with a thousand others, and leaves none behind', async () => {
    const world = createWorld(ROOMY);
    world.log.grow(10);
    const readers = Array.from({ length: 1000 }, () => world.join({ kind: 'now' }));
    await world.pass(2000, readers);
    expect(world.calls).toEqual(['head']);
    for (const reader of readers) await reader.leave();
    expect(world.watcher.size).toBe(0);
    await world.pass(60_000);
    expect(world.calls).toEqual(['head']);
    expect(world.clock.timers).toBe(0);
  });

  it('that leaves while it waits is let go at once', async () => {
    const world = createWorld(ROOMY);
    const reader = world.join({ kind: 'now' });
    await world.pass(2000, [reader]);
    reader.read();
    await reader.leave();
    await setImmediate();
    expect(reader.isDone).toBe(true);
  });

  const step = fc.oneof(
    fc.record({ kind: fc.constant('grow' as const), count: fc.integer({ min: 1, max: 250 }) }),
    fc.record({ kind: fc.constant('pass' as const), ms: fc.constantFrom(1000, 3000, 20_000) }),
    fc.record({ kind: fc.constantFrom('join', 'read'), who: fc.nat(5), back: fc.nat(400) }),
    fc.record({ kind: fc.constantFrom('down', 'up') }),
  );
  const limits = fc.constantFrom<Limits>(
    ROOMY,
    { activeMs: 0, settledMs: 0, maxBytes: 50_000_000 },
    { activeMs: 1000, settledMs: 0, maxBytes: 200_000 }, // Room for a hundred events or two.
  );
  it('gets every event behind its place once and in order, whatever grows, fails or has to make room: property', {
    timeout: 120_000,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25, size: 'max' }), limits, async (steps, limits) => {
        const world = createWorld(limits);
        world.log.grow(3);
        const readers: { reader: Reader; from: number }[] = [];
        for (const step of steps) {
          if ('count' in step) world.log.grow(step.count);
          else if ('ms' in step)
            await world.pass(
              step.ms,
              readers.slice(0, 1).map(({ reader }) => reader),
            );
          else if ('back' in step && step.kind === 'join') {
            const ids = idsOf(world);
            const from = Math.max(0, ids.length - 1 - step.back);
            const start: EventStart = step.who === 0 ? { kind: 'start' } : { kind: 'since', id: ids[from] ?? '' };
            readers.push({ reader: world.join(start), from: step.who === 0 ? 0 : from + 1 });
          } else if ('back' in step) readers[step.who % Math.max(1, readers.length)]?.reader.read();
          else world.state.isDown = step.kind === 'down';
          await world.turn();
        }
        world.state.isDown = false;
        world.linear.put(ID, 'succeeded');
        world.log.grow(1, CLOSING);
        const all = readers.map(({ reader }) => reader);
        await world.pass(60_000, all);
        for (const { reader, from } of readers.filter(({ reader }) => !(reader.error instanceof UpstreamError))) {
          expect(reader).toMatchObject({ isDone: true, error: undefined, got: idsOf(world).slice(from) });
        }
        for (const reader of all) await reader.leave();
        expect(world.watcher.size).toBe(0);
      }),
      { numRuns: 150 },
    );
  });
});
