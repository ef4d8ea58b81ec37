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
const FINAL = { message: 'The job has successfully completed' };
const access = accessOf({ apiKey: 'events' });

interface Limits {
  readonly activeMs: number;
  readonly settledMs: number;
  readonly maxBytes: number;
}
const LARGE_CACHE: Limits = { activeMs: 1000, settledMs: 300_000, maxBytes: 50_000_000 };

/** A reader and the ids of the events that it has received. */
interface Reader {
  readonly received: string[];
  isDone: boolean;
  error: Error | undefined;
  /** Reads one event once there is one. */
  read(): void;
  close(): Promise<unknown>;
}

/** A job with an event log. The upstream responds at once, or fails while `isDown`. */
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

  function open(start: EventStart): Reader {
    const events = watcher.feeds(access).events(ID, start)[Symbol.asyncIterator]();
    let isReading = false;
    const reader: Reader = {
      received: [],
      isDone: false,
      error: undefined,
      read() {
        if (isReading || reader.isDone) return;
        isReading = true;
        const onResult = ({ done, value }: IteratorResult<AddedItem<JobEvent>>) => {
          isReading = false;
          if (done) reader.isDone = true;
          else reader.received.push(value.value.id);
        };
        events.next().then(onResult, (error) => {
          reader.isDone = true;
          reader.error = error;
        });
      },
      close: () => events.return?.() ?? Promise.resolve(),
    };
    return reader;
  }

  /** Responds to all pending calls. */
  async function settle() {
    await setImmediate();
    for (const call of [...linear.pending]) call.respond();
    await setImmediate();
  }

  /** Advances the clock second by second; each reader reads all events there are. */
  async function advance(ms: number, readers: readonly Reader[] = []) {
    await settle();
    for (let remaining = ms; remaining > 0; remaining -= 1000) {
      clock.advance(1000);
      await settle();
      for (let before = -1; before !== countReceived(readers); ) {
        before = countReceived(readers);
        for (const reader of readers) reader.read();
        await settle();
      }
    }
  }
  return { clock, log, linear, calls, state, watcher, open, settle, advance };
}

const countReceived = (readers: readonly Reader[]) => readers.reduce((sum, { received }) => sum + received.length, 0);
const idsOf = ({ log }: ReturnType<typeof createWorld>) => log.items.map(({ id }) => id ?? '').reverse();

describe('a reader of an event log', () => {
  it('receives later events, oldest first, even 500 between two polls', async () => {
    const world = createWorld(LARGE_CACHE);
    world.log.grow(30);
    const reader = world.open({ kind: 'now' });
    await world.advance(2000, [reader]);
    expect(reader.received).toEqual([]);
    world.log.grow(500);
    await world.advance(20_000, [reader]);
    expect(reader.received).toEqual(idsOf(world).slice(30));
  });

  it('starts with the first event, or after any event', async () => {
    const world = createWorld(LARGE_CACHE);
    world.log.grow(1234);
    const ids = idsOf(world);
    const readers = [world.open({ kind: 'start' }), world.open({ kind: 'since', id: ids[3] ?? '' })];
    await world.advance(4000, readers);
    expect(readers.map(({ received }) => received)).toEqual([ids, ids.slice(4)]);
  });

  it('fails with UnknownCursor when the log lacks the event to start after', async () => {
    const world = createWorld(LARGE_CACHE);
    world.log.grow(250);
    const reader = world.open({ kind: 'since', id: 'ftevent-unknown' });
    await world.advance(4000, [reader]);
    expect(reader.error).toMatchObject({ name: 'UnknownCursor', start: { kind: 'since', id: 'ftevent-unknown' } });
    expect(world.watcher.size).toBe(0);
  });

  it('receives the events after the end of the job, and is done after the final event', async () => {
    const world = createWorld(LARGE_CACHE);
    const reader = world.open({ kind: 'start' });
    world.log.grow(3);
    await world.advance(4000, [reader]);
    world.linear.put(ID, 'succeeded');
    await world.advance(6000, [reader]);
    expect(reader.isDone).toBe(false);
    world.log.grow(1, FINAL);
    await world.advance(6000, [reader]);
    expect(reader).toMatchObject({ isDone: true, received: idsOf(world) });
    expect(world.watcher.size).toBe(0);
  });

  it('is done a minute after the end of a job without a final event', async () => {
    const world = createWorld(LARGE_CACHE);
    const reader = world.open({ kind: 'now' });
    await world.advance(2000, [reader]);
    world.linear.put(ID, 'cancelled');
    await world.advance(50_000, [reader]);
    world.log.grow(1);
    expect(reader.isDone).toBe(false);
    await world.advance(30_000, [reader]);
    expect(reader).toMatchObject({ isDone: true, received: idsOf(world) });
  });

  it('misses no event after a pause of a minute, and does not delay another reader', async () => {
    const world = createWorld(LARGE_CACHE);
    const [slow, fast] = [world.open({ kind: 'start' }), world.open({ kind: 'start' })];
    world.log.grow(5);
    await world.advance(3000, [slow, fast]);
    for (let minute = 0; minute < 12; minute++) {
      world.log.grow(100);
      await world.advance(5000, [fast]);
    }
    expect(fast.received).toEqual(idsOf(world));
    expect(slow.received).toEqual(idsOf(world).slice(0, 6)); // One read was pending already.
    await world.advance(1000, [slow]);
    expect(slow.received).toEqual(idsOf(world));
  });

  it('shares its polls with a thousand others; polls stop after the last reader', async () => {
    const world = createWorld(LARGE_CACHE);
    world.log.grow(10);
    const readers = Array.from({ length: 1000 }, () => world.open({ kind: 'now' }));
    await world.advance(2000, readers);
    expect(world.calls).toEqual(['head']);
    for (const reader of readers) await reader.close();
    expect(world.watcher.size).toBe(0);
    await world.advance(60_000);
    expect(world.calls).toEqual(['head']);
    expect(world.clock.timers).toBe(0);
  });

  it('is done at once when it is closed during a read', async () => {
    const world = createWorld(LARGE_CACHE);
    const reader = world.open({ kind: 'now' });
    await world.advance(2000, [reader]);
    reader.read();
    await reader.close();
    await setImmediate();
    expect(reader.isDone).toBe(true);
  });

  const step = fc.oneof(
    fc.record({ kind: fc.constant('grow' as const), count: fc.integer({ min: 1, max: 250 }) }),
    fc.record({ kind: fc.constant('advance' as const), ms: fc.constantFrom(1000, 3000, 20_000) }),
    fc.record({ kind: fc.constantFrom('open', 'read'), reader: fc.nat(5), back: fc.nat(400) }),
    fc.record({ kind: fc.constantFrom('down', 'up') }),
  );
  const limits = fc.constantFrom<Limits>(
    LARGE_CACHE,
    { activeMs: 0, settledMs: 0, maxBytes: 50_000_000 },
    { activeMs: 1000, settledMs: 0, maxBytes: 200_000 }, // One or two hundred events.
  );
  it('receives each event after its start once and in order, with bursts, failures and evictions: property', {
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
            await world.advance(
              step.ms,
              readers.slice(0, 1).map(({ reader }) => reader),
            );
          else if ('back' in step && step.kind === 'open') {
            const ids = idsOf(world);
            const from = Math.max(0, ids.length - 1 - step.back);
            const start: EventStart = step.reader === 0 ? { kind: 'start' } : { kind: 'since', id: ids[from] ?? '' };
            readers.push({ reader: world.open(start), from: step.reader === 0 ? 0 : from + 1 });
          } else if ('back' in step) readers[step.reader % Math.max(1, readers.length)]?.reader.read();
          else world.state.isDown = step.kind === 'down';
          await world.settle();
        }
        world.state.isDown = false;
        world.linear.put(ID, 'succeeded');
        world.log.grow(1, FINAL);
        const all = readers.map(({ reader }) => reader);
        await world.advance(60_000, all);
        for (const { reader, from } of readers.filter(({ reader }) => !(reader.error instanceof UpstreamError))) {
          expect(reader).toMatchObject({ isDone: true, error: undefined, received: idsOf(world).slice(from) });
        }
        for (const reader of all) await reader.close();
        expect(world.watcher.size).toBe(0);
      }),
      { numRuns: 150 },
    );
  });
});
