import { describe, expect, it } from 'vitest';
import { createSingleFlight, type FlightSignal } from '../../../../src/store/cache/single-flight.ts';
import { createTestClock } from '../../../kit/clock.ts';
import { newCaller } from '../../../kit/store/access.ts';

/** Reads that a test lets land one by one, by their number. */
function createTower() {
  const clock = createTestClock(0);
  const singleFlight = createSingleFlight<string>(clock);
  const reads: { land: (value: string) => void; fail: (error: Error) => void; departure: FlightSignal }[] = [];
  return {
    clock,
    reads,
    join: (key: string, readContext = newCaller(), notBefore?: number) =>
      singleFlight.run(
        key,
        readContext,
        (departure) => {
          const { promise, resolve, reject } = Promise.withResolvers<string>();
          reads.push({ land: resolve, fail: reject, departure });
          return promise;
        },
        notBefore,
      ),
  };
}

describe('a read under way', () => {
  it('is shared by its key', async () => {
    const { join, reads } = createTower();
    const all = Promise.all([join('a'), join('a'), join('b')]);
    reads[0]?.land('A');
    reads[1]?.land('B');
    expect(await all).toEqual(['A', 'A', 'B']);
    expect(reads).toHaveLength(2);
  });

  it('is not shared any more when it has landed', async () => {
    const { join, reads } = createTower();
    const first = join('a');
    reads[0]?.land('old');
    await first;
    const second = join('a');
    reads[1]?.land('new');
    expect(await second).toBe('new');
  });

  it('fails for all who share it, and is begun anew by the next', async () => {
    const { join, reads } = createTower();
    const both = Promise.allSettled([join('a'), join('a')]);
    reads[0]?.fail(new Error('down'));
    expect(await both).toMatchObject([{ reason: { message: 'down' } }, { reason: { message: 'down' } }]);
    void join('a');
    expect(reads).toHaveLength(2);
  });
});

describe('notBefore', () => {
  it('begins a read anew when the one under way began earlier, and each serves its own callers', async () => {
    const { join, reads, clock } = createTower();
    const early = join('a');
    clock.advance(10);
    const late = join('a', newCaller(), 5);
    reads[1]?.land('new');
    expect(await late).toBe('new');
    reads[0]?.land('old');
    expect(await early).toBe('old');
  });

  it('shares a read that began at that very time or later', () => {
    const { join, reads, clock } = createTower();
    clock.advance(5);
    void join('a', newCaller(), 5);
    void join('a', newCaller(), 5);
    void join('a', newCaller(), 4);
    void join('a');
    expect(reads).toHaveLength(1);
  });

  it('lets those who come later share the newer read, also when the older one lands in between', async () => {
    const { join, reads, clock } = createTower();
    const early = join('a');
    clock.advance(10);
    const late = [join('a', newCaller(), 5)];
    reads[0]?.land('old');
    await early;
    late.push(join('a', newCaller(), 5), join('a'));
    reads[1]?.land('new');
    expect(await Promise.all(late)).toEqual(['new', 'new', 'new']);
    expect(reads).toHaveLength(2);
  });

  it('does not abort the newer read when the callers of the older leave', async () => {
    const { join, reads, clock } = createTower();
    const leaving = new AbortController();
    const early = join('a', newCaller(leaving.signal));
    clock.advance(10);
    const late = join('a', newCaller(), 5);
    leaving.abort(new Error('left'));
    await expect(early).rejects.toThrow('left');
    expect(reads.map(({ departure }) => departure.signal.aborted)).toEqual([true, false]);
    const other = join('a', newCaller(), 5);
    reads[1]?.land('new');
    expect(await Promise.all([late, other])).toEqual(['new', 'new']);
  });
});

describe('a caller', () => {
  it('who has joined a read twice aborts it only by leaving both times, which is at once', async () => {
    const { join, reads } = createTower();
    const leaving = new AbortController();
    const readContext = newCaller(leaving.signal);
    const both = Promise.allSettled([join('a', readContext), join('a', readContext)]);
    leaving.abort(new Error('left'));
    expect(await both).toMatchObject([{ reason: { message: 'left' } }, { reason: { message: 'left' } }]);
    expect(reads[0]?.departure.signal.aborted).toBe(true);
  });

  it('who leaves behind the landing aborts nothing', async () => {
    const { join, reads } = createTower();
    const leaving = new AbortController();
    const readContext = newCaller(leaving.signal);
    const answer = join('a', readContext);
    reads[0]?.land('A');
    expect(await answer).toBe('A');
    expect(readContext.onLeave.size).toBe(0);
    leaving.abort();
    expect(reads[0]?.departure.signal.aborted).toBe(false);
  });
});
