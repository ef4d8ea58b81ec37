import { describe, expect, it } from 'vitest';
import type { FlightCall } from '../../../../src/store/cache/flight.ts';
import { createSequenceClock } from '../../../../src/store/cache/sequence-clock.ts';
import { createSingleFlight, type FlightRequest } from '../../../../src/store/cache/single-flight.ts';
import { createTestClock } from '../../../kit/clock.ts';
import { accessOf, newReadContext } from '../../../kit/store/access.ts';

const access = accessOf({ apiKey: 'a' });

/** Reads that a test settles one by one, in the order of their start. */
function createWorld() {
  const clock = createTestClock(0);
  const reads: { respond: (value: string) => void; fail: (error: Error) => void; call: FlightCall }[] = [];
  const singleFlight = createSingleFlight<FlightRequest, string, string>(createSequenceClock(clock), {
    read(_, call) {
      const { promise, resolve, reject } = Promise.withResolvers<string>();
      reads.push({ respond: resolve, fail: reject, call });
      return promise;
    },
    accept: (_, { value }) => value,
  });
  return {
    clock,
    reads,
    run: (key: string, readContext = newReadContext(), notBefore?: number) =>
      singleFlight.run(key, { access, readContext }, notBefore),
  };
}

describe('a read in flight', () => {
  it('is shared by its key', async () => {
    const { run, reads } = createWorld();
    const all = Promise.all([run('a'), run('a'), run('b')]);
    reads[0]?.respond('A');
    reads[1]?.respond('B');
    expect(await all).toEqual(['A', 'A', 'B']);
    expect(reads).toHaveLength(2);
  });

  it('is not shared after it has ended', async () => {
    const { run, reads } = createWorld();
    const first = run('a');
    reads[0]?.respond('old');
    await first;
    const second = run('a');
    reads[1]?.respond('new');
    expect(await second).toBe('new');
  });

  it('fails for all its waiters, and the next call starts a new read', async () => {
    const { run, reads } = createWorld();
    const both = Promise.allSettled([run('a'), run('a')]);
    reads[0]?.fail(new Error('down'));
    expect(await both).toMatchObject([{ reason: { message: 'down' } }, { reason: { message: 'down' } }]);
    void run('a');
    expect(reads).toHaveLength(2);
  });
});

describe('notBefore', () => {
  it('starts a new read when the one in flight started earlier, and each resolves for its own waiters', async () => {
    const { run, reads, clock } = createWorld();
    const early = run('a');
    clock.advance(10);
    const late = run('a', newReadContext(), 5);
    reads[1]?.respond('new');
    expect(await late).toBe('new');
    reads[0]?.respond('old');
    expect(await early).toBe('old');
  });

  it('joins a read that started at that time or later', () => {
    const { run, reads, clock } = createWorld();
    clock.advance(5);
    void run('a', newReadContext(), 5);
    void run('a', newReadContext(), 5);
    void run('a', newReadContext(), 4);
    void run('a');
    expect(reads).toHaveLength(1);
  });

  it('lets later calls join the newer read, even after the older one has ended', async () => {
    const { run, reads, clock } = createWorld();
    const early = run('a');
    clock.advance(10);
    const late = [run('a', newReadContext(), 5)];
    reads[0]?.respond('old');
    await early;
    late.push(run('a', newReadContext(), 5), run('a'));
    reads[1]?.respond('new');
    expect(await Promise.all(late)).toEqual(['new', 'new', 'new']);
    expect(reads).toHaveLength(2);
  });

  it('does not abort the newer read when the waiters of the older one leave', async () => {
    const { run, reads, clock } = createWorld();
    const controller = new AbortController();
    const early = run('a', newReadContext(controller.signal));
    clock.advance(10);
    const late = run('a', newReadContext(), 5);
    controller.abort(new Error('aborted'));
    await expect(early).rejects.toThrow('aborted');
    expect(reads.map(({ call }) => call.signal.aborted)).toEqual([true, false]);
    const other = run('a', newReadContext(), 5);
    reads[1]?.respond('new');
    expect(await Promise.all([late, other])).toEqual(['new', 'new']);
  });
});

describe('a waiter', () => {
  it('that joined a read twice leaves both times on abort, which aborts the read', async () => {
    const { run, reads } = createWorld();
    const controller = new AbortController();
    const readContext = newReadContext(controller.signal);
    const both = Promise.allSettled([run('a', readContext), run('a', readContext)]);
    controller.abort(new Error('aborted'));
    expect(await both).toMatchObject([{ reason: { message: 'aborted' } }, { reason: { message: 'aborted' } }]);
    expect(reads[0]?.call.signal.aborted).toBe(true);
  });

  it('that is aborted after the read has ended aborts nothing', async () => {
    const { run, reads } = createWorld();
    const controller = new AbortController();
    const readContext = newReadContext(controller.signal);
    const result = run('a', readContext);
    reads[0]?.respond('A');
    expect(await result).toBe('A');
    expect(readContext.cancellation.callbackCount).toBe(0);
    controller.abort();
    expect(reads[0]?.call.signal.aborted).toBe(false);
  });
});
