import { getEventListeners } from 'node:events';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PRIORITIES, type Priority } from '../../../../src/upstream/resilience/call-claims.ts';
import { type CallTicket, createCallRateLimiter } from '../../../../src/upstream/resilience/call-rate-limiter.ts';
import type { Turn } from '../../../../src/upstream/resilience/turn-queue.ts';
import { createTestClock } from '../../../kit/clock.ts';

const LONG_MS = 1e9;
const neverAborted = new AbortController().signal;

const soleTurn = (turn: Turn) => ({ current: [turn], listen() {} });

type Members = Partial<Pick<CallTicket, 'signal' | 'maxWaitMs'> & Turn>;
const ticket = (priority: Priority, { owner = 'one', ...members }: Members = {}): CallTicket => ({
  turns: soleTurn({ priority, owner }),
  signal: neverAborted,
  maxWaitMs: LONG_MS,
  ...members,
});

/** A rate limiter, the names of the calls that it has admitted in order, and the time of each. */
function start(perSecond: number) {
  const clock = createTestClock(0);
  const rateLimiter = createCallRateLimiter(perSecond, clock);
  const admitted: string[] = [];
  const times: number[] = [];
  const record = (name: string) => {
    admitted.push(name);
    times.push(clock.now());
  };
  async function call(name = 'call', priority: Priority = 'query', signal = neverAborted, owner = 'one') {
    const wait = rateLimiter.acquire(ticket(priority, { signal, owner }));
    if (wait === undefined) record(name);
    else await wait.then(() => record(name));
  }
  /** Advances the clock from timer to timer, and lets the admitted calls run at each. */
  async function advance(ms: number) {
    for (let left = ms; left > 0; ) {
      const next = await Promise.race([clock.timerBelow(Number.POSITIVE_INFINITY), settle().then(() => left)]);
      const stepMs = Math.min(next, left);
      clock.advance(stepMs);
      left -= stepMs;
      await settle();
    }
  }
  return { clock, rateLimiter, admitted, times, call, advance };
}

/** Runs all pending microtasks. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

describe('a rate limiter', () => {
  it('admits a burst of one second at once, and the next call after its share of a second', async () => {
    const { rateLimiter, clock, admitted, call, advance } = start(4);
    for (let calls = 0; calls < 4; calls++)
      expect(rateLimiter.acquire(ticket('query', { maxWaitMs: 0 }))).toBeUndefined();
    void call('fifth');
    await advance(249);
    expect(admitted).toEqual([]);
    await advance(1);
    expect(admitted).toEqual(['fifth']);
    expect(clock.timers).toBe(0);
  });

  it('admits a call at once only while none waits, also when the timer of the waiting one is late', async () => {
    const { clock, rateLimiter, admitted, call } = start(3);
    const turn = { priority: 'query', owner: 'one' } as const;
    expect([1, 2, 3, 4].map(() => rateLimiter.tryAcquire(turn))).toEqual([true, true, true, false]);
    void call('waiting');
    clock.advance(333.5); // There is a token, and the timer is due at 334.
    expect(rateLimiter.tryAcquire(turn)).toBe(false);
    clock.advance(0.5);
    await settle();
    expect(admitted).toEqual(['waiting']);
    clock.advance(333);
    expect(rateLimiter.tryAcquire(turn)).toBe(true);
  });

  it('saves tokens for at most one second, however long it was idle', async () => {
    const { clock, rateLimiter } = start(3);
    clock.advance(3_600_000);
    const waits = Array.from({ length: 4 }, () => rateLimiter.acquire(ticket('query')));
    expect(waits.map((wait) => wait === undefined)).toEqual([true, true, true, false]);
  });

  it('admits each waiting call in its time, without further calls', async () => {
    const { times, call, advance } = start(10);
    for (let calls = 0; calls < 30; calls++) void call();
    await advance(2000);
    expect(times).toEqual([...Array(10).fill(0), ...Array.from({ length: 20 }, (_, index) => (index + 1) * 100)]);
  });

  it('admits mutations before queries before polls, and each in order of arrival', async () => {
    const { admitted, call, advance } = start(2);
    for (const name of ['first', 'second']) void call(name);
    for (const priority of ['poll', 'query', 'mutation', 'query', 'poll', 'mutation'] as const) {
      void call(`${priority} ${admitted.length}`, priority);
    }
    void call('query last', 'query');
    await advance(5000);
    expect(admitted.slice(2).map((name) => name.split(' ')[0])).toEqual([
      'mutation',
      'mutation',
      'query',
      'query',
      'query',
      'poll',
      'poll',
    ]);
    expect(admitted[6]).toBe('query last');
  });

  it('admits a query after three mutations, however many more wait, and never underestimates a wait', async () => {
    const { rateLimiter, admitted, call, advance } = start(1);
    void call('at once');
    for (let calls = 0; calls < 8; calls++) void call('m', 'mutation');
    expect(() => rateLimiter.acquire(ticket('query', { maxWaitMs: 3999 }))).toThrow(
      expect.objectContaining({ code: 'UPSTREAM_RATE_LIMITED' }),
    );
    for (const name of ['q', 'Q']) void call(name, 'query');
    void call('p', 'poll');
    expect(() => rateLimiter.acquire(ticket('mutation', { maxWaitMs: 11_999 }))).toThrow(
      expect.objectContaining({ code: 'UPSTREAM_RATE_LIMITED' }),
    );
    void rateLimiter.acquire(ticket('mutation', { maxWaitMs: 12_000 }))?.then(() => admitted.push('last'));
    await advance(20_000);
    expect(admitted.slice(1).join(' ')).toBe('m m m q m m m Q m p m last');
  });

  it('refuses a call at once that would exceed its maximum wait, with retryAfterSeconds', () => {
    const { rateLimiter, clock } = start(2);
    for (let calls = 0; calls < 2; calls++) rateLimiter.acquire(ticket('query', { maxWaitMs: 0 }));
    expect(() => rateLimiter.acquire(ticket('query', { maxWaitMs: 499 }))).toThrow(
      expect.objectContaining({ code: 'UPSTREAM_RATE_LIMITED', facts: { retryAfterSeconds: 1 } }),
    );
    expect(clock.timers).toBe(0);
    for (let calls = 0; calls < 4; calls++) void rateLimiter.acquire(ticket('query'));
    expect(() => rateLimiter.acquire(ticket('query', { maxWaitMs: 2000 }))).toThrow(
      expect.objectContaining({ facts: { retryAfterSeconds: 3 } }),
    );
    expect(rateLimiter.acquire(ticket('mutation', { maxWaitMs: 500 }))).toBeInstanceOf(Promise); // It overtakes the queries.
  });

  it('does not admit a new call before waiting ones when its timer is late, and then catches up', async () => {
    const clock = createTestClock(0);
    let lateMs = 0;
    const rateLimiter = createCallRateLimiter(2, { ...clock, now: () => clock.now() + lateMs });
    for (let calls = 0; calls < 2; calls++) rateLimiter.acquire(ticket('query', { maxWaitMs: 0 }));
    const admitted: string[] = [];
    const acquire = (name: string) => rateLimiter.acquire(ticket('query'))?.then(() => admitted.push(name));
    void acquire('first');
    lateMs = 5000;
    void acquire('second');
    expect(admitted).toEqual([]);
    clock.advance(500);
    await settle();
    expect(admitted).toEqual(['first', 'second']);
  });

  it.each(PRIORITIES)('holds no timer and no listener of a %s that was aborted', async (priority) => {
    const { clock, admitted, call, advance } = start(1);
    void call('first');
    const controller = new AbortController();
    const waiting = call('aborted', priority, controller.signal);
    expect(clock.timers).toBe(1);
    controller.abort(new Error('aborted'));
    await expect(waiting).rejects.toThrow('aborted');
    expect(clock.timers).toBe(0);
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
    void call('next');
    await advance(1000);
    expect(admitted).toEqual(['first', 'next']);
  });

  it('holds no listener of a call that was admitted', async () => {
    const { call, advance } = start(1);
    const controller = new AbortController();
    void call('first');
    void call('second', 'query', controller.signal);
    await advance(1000);
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
  });

  it('still admits the other calls when a waiting one is aborted', async () => {
    const { admitted, call, advance } = start(1);
    void call('first');
    const controller = new AbortController();
    const aborted = call('aborted', 'query', controller.signal);
    void call('other');
    controller.abort(new Error('aborted'));
    await expect(aborted).rejects.toThrow('aborted');
    await advance(1000);
    expect(admitted).toEqual(['first', 'other']);
  });
});

describe('owners', () => {
  const orderOf = (owners: string) => async (perSecond: number) => {
    const { admitted, call, advance } = start(perSecond);
    for (let calls = 0; calls < perSecond; calls++) void call('at once');
    for (const owner of owners) void call(owner, 'query', neverAborted, owner);
    await advance(60_000);
    return admitted.slice(perSecond).join('');
  };

  it.each([
    ['aaaaaab', 'abaaaaa'],
    ['aaaabbc', 'abcabaa'],
    ['abababab', 'abababab'],
    ['aaabbbccc', 'abcabcabc'],
  ])('take turns, however many calls of one owner wait: %s', async (arrivals, order) => {
    expect(await orderOf(arrivals)(1)).toBe(order);
    expect(await orderOf(arrivals)(3)).toBe(order);
  });

  it('wait only for the turns of the others: a call of a flooding owner is refused, one of another is not', () => {
    const { rateLimiter } = start(1);
    rateLimiter.acquire(ticket('query'));
    const flood = () => rateLimiter.acquire(ticket('query', { maxWaitMs: 10_000 }));
    for (let calls = 0; calls < 10; calls++) void flood();
    expect(flood).toThrow(expect.objectContaining({ facts: { retryAfterSeconds: 11 } }));
    expect(rateLimiter.acquire(ticket('query', { owner: 'other', maxWaitMs: 2000 }))).toBeInstanceOf(Promise);
  });

  it('do not affect priorities: a mutation of any owner comes first', async () => {
    const { admitted, call, advance } = start(1);
    void call('at once');
    void call('query of one');
    void call('query of other', 'query', neverAborted, 'other');
    void call('mutation of one', 'mutation');
    await advance(10_000);
    expect(admitted.slice(1)).toEqual(['mutation of one', 'query of one', 'query of other']);
  });
});

/** Steps of a random run: time passes, calls arrive, a waiting call is aborted. */
const steps = fc.array(
  fc.oneof(
    fc.record({ ms: fc.integer({ min: 1, max: 700 }) }),
    fc.record({ arrive: fc.constantFrom(...PRIORITIES), times: fc.integer({ min: 1, max: 15 }) }),
    fc.record({ abort: fc.nat(50) }),
  ),
  { maxLength: 40 },
);

describe('a rate limiter in any run', () => {
  it('never admits more calls than its rate and the saved tokens allow, and admits each call in time: property', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 20 }), steps, async (perSecond, steps) => {
        const { clock, times, call, advance } = start(perSecond);
        let expectedCalls = 0;
        const waiting: AbortController[] = [];
        for (const step of steps) {
          if ('ms' in step) await advance(step.ms);
          else if ('arrive' in step) {
            for (let count = 0; count < step.times; count++) {
              const controller = new AbortController();
              waiting.push(controller);
              expectedCalls++;
              call('call', step.arrive, controller.signal).catch(() => expectedCalls--);
            }
          } else waiting[step.abort]?.abort(new Error('aborted'));
          await settle();
        }
        // Subscriptions have half of the rate, the unverified leave half of a burst, and a timer is up to a millisecond late.
        await advance(Math.ceil((2000 * expectedCalls) / perSecond) + expectedCalls + 2000);
        expect(times).toHaveLength(expectedCalls);
        expect(clock.timers).toBe(0);
        // In any interval: the tokens of one saved second, and those of the interval itself.
        for (let from = 0; from < times.length; from++) {
          for (let to = from; to < times.length; to++) {
            const ms = (times[to] ?? 0) - (times[from] ?? 0);
            expect(to - from + 1).toBeLessThanOrEqual(perSecond + (ms * perSecond) / 1000 + 1e-6);
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  it('never exceeds its rate in a second after the first burst while calls wait: property', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 50 }), async (perSecond) => {
        const { times, call, advance } = start(perSecond);
        for (let calls = 0; calls < perSecond * 6; calls++) void call();
        await advance(6000);
        const afterBurst = times.slice(perSecond);
        expect(afterBurst.length).toBeGreaterThan(perSecond * 4);
        for (const [index, time] of afterBurst.entries()) {
          const inSecond = afterBurst.slice(index).filter((other) => other < time + 1000).length;
          expect(inSecond).toBeLessThanOrEqual(perSecond + 1); // n intervals in a second have n + 1 ends.
        }
      }),
      { numRuns: 20 },
    );
  });
});
