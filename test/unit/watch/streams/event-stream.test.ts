import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UpstreamError } from '../../../../src/upstream/errors/upstream-error.ts';
import type { EventStart } from '../../../../src/watch/streams/log-reader.ts';
import {
  createEventWorld,
  FINAL,
  idsOf,
  JOB_ID,
  LARGE_CACHE,
  type Limits,
  type Reader,
} from '../../../kit/store/event-world.ts';

describe('a reader of an event log', () => {
  it('receives later events, oldest first, even 500 between two polls', async () => {
    const world = createEventWorld(LARGE_CACHE);
    world.log.grow(30);
    const reader = world.open({ kind: 'now' });
    await world.advance(2000, [reader]);
    expect(reader.received).toEqual([]);
    world.log.grow(500);
    await world.advance(20_000, [reader]);
    expect(reader.received).toEqual(idsOf(world).slice(30));
  });

  it('starts with the first event, or after any event', async () => {
    const world = createEventWorld(LARGE_CACHE);
    world.log.grow(1234);
    const ids = idsOf(world);
    const readers = [world.open({ kind: 'start' }), world.open({ kind: 'since', id: ids[3] ?? '' })];
    await world.advance(4000, readers);
    expect(readers.map(({ received }) => received)).toEqual([ids, ids.slice(4)]);
  });

  it('fails with UnknownCursor when the log lacks the event to start after', async () => {
    const world = createEventWorld(LARGE_CACHE);
    world.log.grow(250);
    const reader = world.open({ kind: 'since', id: 'ftevent-unknown' });
    await world.advance(4000, [reader]);
    expect(reader.error).toMatchObject({ name: 'UnknownCursor', start: { kind: 'since', id: 'ftevent-unknown' } });
    expect(world.watcher.size).toBe(0);
  });

  it('receives the events after the end of the job, and is done after the final event', async () => {
    const world = createEventWorld(LARGE_CACHE);
    const reader = world.open({ kind: 'start' });
    world.log.grow(3);
    await world.advance(4000, [reader]);
    world.linear.put(JOB_ID, 'succeeded');
    await world.advance(6000, [reader]);
    expect(reader.isDone).toBe(false);
    world.log.grow(1, FINAL);
    await world.advance(6000, [reader]);
    expect(reader).toMatchObject({ isDone: true, received: idsOf(world) });
    expect(world.watcher.size).toBe(0);
  });

  it('is done a minute after the end of a job without a final event', async () => {
    const world = createEventWorld(LARGE_CACHE);
    const reader = world.open({ kind: 'now' });
    await world.advance(2000, [reader]);
    world.linear.put(JOB_ID, 'cancelled');
    await world.advance(50_000, [reader]);
    world.log.grow(1);
    expect(reader.isDone).toBe(false);
    await world.advance(30_000, [reader]);
    expect(reader).toMatchObject({ isDone: true, received: idsOf(world) });
  });

  it('misses no event after a pause of a minute, and does not delay another reader', async () => {
    const world = createEventWorld(LARGE_CACHE);
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
    const world = createEventWorld(LARGE_CACHE);
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
    const world = createEventWorld(LARGE_CACHE);
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
        const world = createEventWorld(limits);
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
        world.linear.put(JOB_ID, 'succeeded');
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
