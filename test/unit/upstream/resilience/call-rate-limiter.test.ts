import { getEventListeners } from 'node:events';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type CallTicket,
  createCallRateLimiter,
  PRIORITIES,
  type Priority,
} from '../../../../src/upstream/resilience/call-rate-limiter.ts';
import { createTestClock } from '../../../kit/clock.ts';

const PATIENCE = 1e9;
const stays = new AbortController().signal;

const comer = (priority: Priority, rest: Partial<CallTicket> = {}): CallTicket => ({
  priority,
  owner: 'one',
  signal: stays,
  maxWaitMs: PATIENCE,
  ...rest,
});

/** A rateLimiter whose calls are noted when they may go: their names, in order, and when each went. */
function start(perSecond: number) {
  const clock = createTestClock(0);
  const rateLimiter = createCallRateLimiter(perSecond, clock);
  const gone: string[] = [];
  const times: number[] = [];
  const note = (name: string) => {
    gone.push(name);
    times.push(clock.now());
  };
  async function call(name = 'call', priority: Priority = 'query', signal = stays, owner = 'one') {
    const turn = rateLimiter.acquire(comer(priority, { signal, owner }));
    if (turn === undefined) note(name);
    else await turn.then(() => note(name));
  }
  /** Turns the clock from timer to timer; at each goes who may. */
  async function turn(ms: number) {
    for (let left = ms; left > 0; ) {
      const next = await Promise.race([clock.timerBelow(Number.POSITIVE_INFINITY), settle().then(() => left)]);
      const stepMs = Math.min(next, left);
      clock.advance(stepMs);
      left -= stepMs;
      await settle();
    }
  }
  return { clock, rateLimiter, gone, times, call, turn };
}

/** Lets everything run that waits for nothing. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

describe('a rateLimiter', () => {
  it('lets as many go at once as a second has, and the next as soon as its share of a second is over', async () => {
    const { rateLimiter, clock, gone, call, turn } = start(4);
    for (let calls = 0; calls < 4; calls++)
      expect(rateLimiter.acquire(comer('query', { maxWaitMs: 0 }))).toBeUndefined();
    void call('fifth');
    await turn(249);
    expect(gone).toEqual([]);
    await turn(1);
    expect(gone).toEqual(['fifth']);
    expect(clock.timers).toBe(0);
  });

  it('saves up no more than a second, however long it was quiet', async () => {
    const { clock, rateLimiter } = start(3);
    clock.advance(3_600_000);
    const turns = Array.from({ length: 4 }, () => rateLimiter.acquire(comer('query')));
    expect(turns.map((turn) => turn === undefined)).toEqual([true, true, true, false]);
  });

  it('goes on by itself: each that waits goes in its time, with nobody else asking', async () => {
    const { times, call, turn } = start(10);
    for (let calls = 0; calls < 30; calls++) void call();
    await turn(2000);
    expect(times).toEqual([...Array(10).fill(0), ...Array.from({ length: 20 }, (_, index) => (index + 1) * 100)]);
  });

  it('lets mutations go before queries before polls, and each of them in the order of asking', async () => {
    const { gone, call, turn } = start(2);
    for (const name of ['first', 'second']) void call(name);
    for (const priority of ['poll', 'query', 'mutation', 'query', 'poll', 'mutation'] as const) {
      void call(`${priority} ${gone.length}`, priority);
    }
    void call('query last', 'query');
    await turn(5000);
    expect(gone.slice(2).map((name) => name.split(' ')[0])).toEqual([
      'mutation',
      'mutation',
      'query',
      'query',
      'query',
      'poll',
      'poll',
    ]);
    expect(gone[6]).toBe('query last');
  });

  it('lets a query go behind three mutations, however many more wait, and tells neither a shorter wait than it has', async () => {
    const { rateLimiter, gone, call, turn } = start(1);
    void call('at once');
    for (let calls = 0; calls < 8; calls++) void call('m', 'mutation');
    expect(() => rateLimiter.acquire(comer('query', { maxWaitMs: 3999 }))).toThrow('limiting the rate');
    for (const name of ['q', 'Q']) void call(name, 'query');
    void call('p', 'poll');
    expect(() => rateLimiter.acquire(comer('mutation', { maxWaitMs: 10_999 }))).toThrow('limiting the rate');
    void rateLimiter.acquire(comer('mutation', { maxWaitMs: 11_000 }))?.then(() => gone.push('last'));
    await turn(20_000);
    expect(gone.slice(1).join(' ')).toBe('m m m q m m m Q m m last p');
  });

  it('turns away at once who would wait longer than it has time, and says for how many seconds', () => {
    const { rateLimiter, clock } = start(2);
    for (let calls = 0; calls < 2; calls++) rateLimiter.acquire(comer('query', { maxWaitMs: 0 }));
    expect(() => rateLimiter.acquire(comer('query', { maxWaitMs: 499 }))).toThrow(
      expect.objectContaining({ code: 'UPSTREAM_RATE_LIMITED', facts: { retryAfterSeconds: 1 } }),
    );
    expect(clock.timers).toBe(0);
    for (let calls = 0; calls < 4; calls++) void rateLimiter.acquire(comer('query'));
    expect(() => rateLimiter.acquire(comer('query', { maxWaitMs: 2000 }))).toThrow(
      expect.objectContaining({ facts: { retryAfterSeconds: 3 } }),
    );
    expect(rateLimiter.acquire(comer('mutation', { maxWaitMs: 500 }))).toBeInstanceOf(Promise); // Goes before all of these.
  });

  it('lets nobody overtake one that waits because its timer is late, and then makes up for the time', async () => {
    const clock = createTestClock(0);
    let lateMs = 0;
    const rateLimiter = createCallRateLimiter(2, { ...clock, now: () => clock.now() + lateMs });
    for (let calls = 0; calls < 2; calls++) rateLimiter.acquire(comer('query', { maxWaitMs: 0 }));
    const gone: string[] = [];
    const note = (name: string) => rateLimiter.acquire(comer('query'))?.then(() => gone.push(name));
    void note('first');
    lateMs = 5000;
    void note('second');
    expect(gone).toEqual([]);
    clock.advance(500);
    await settle();
    expect(gone).toEqual(['first', 'second']);
  });

  it.each(PRIORITIES)('keeps nothing of a %s that does not want to wait any more', async (priority) => {
    const { clock, gone, call, turn } = start(1);
    void call('first');
    const leaving = new AbortController();
    const waiting = call('left', priority, leaving.signal);
    expect(clock.timers).toBe(1);
    leaving.abort(new Error('gone'));
    await expect(waiting).rejects.toThrow('gone');
    expect(clock.timers).toBe(0);
    expect(getEventListeners(leaving.signal, 'abort')).toHaveLength(0);
    void call('next');
    await turn(1000);
    expect(gone).toEqual(['first', 'next']);
  });

  it('keeps no listener of one that went', async () => {
    const { call, turn } = start(1);
    const leaving = new AbortController();
    void call('first');
    void call('second', 'query', leaving.signal);
    await turn(1000);
    expect(getEventListeners(leaving.signal, 'abort')).toHaveLength(0);
  });

  it('goes on for the others when one of those that wait leaves', async () => {
    const { gone, call, turn } = start(1);
    void call('first');
    const leaving = new AbortController();
    const left = call('left', 'query', leaving.signal);
    void call('stays');
    leaving.abort(new Error('gone'));
    await expect(left).rejects.toThrow('gone');
    await turn(1000);
    expect(gone).toEqual(['first', 'stays']);
  });
});

describe('owners', () => {
  const waitOf = (owners: string) => async (perSecond: number) => {
    const { gone, call, turn } = start(perSecond);
    for (let calls = 0; calls < perSecond; calls++) void call('at once');
    for (const owner of owners) void call(owner, 'query', stays, owner);
    await turn(60_000);
    return gone.slice(perSecond).join('');
  };

  it.each([
    ['aaaaaab', 'abaaaaa'],
    ['aaaabbc', 'abcabaa'],
    ['abababab', 'abababab'],
    ['aaabbbccc', 'abcabcabc'],
  ])('take turns, however many calls of another wait: %s', async (came, went) => {
    expect(await waitOf(came)(1)).toBe(went);
    expect(await waitOf(came)(3)).toBe(went);
  });

  it('wait no longer for each other than their turns take: who floods is turned away, another is not', () => {
    const { rateLimiter } = start(1);
    rateLimiter.acquire(comer('query'));
    const flood = () => rateLimiter.acquire(comer('query', { maxWaitMs: 10_000 }));
    for (let calls = 0; calls < 10; calls++) void flood();
    expect(flood).toThrow(expect.objectContaining({ facts: { retryAfterSeconds: 11 } }));
    expect(rateLimiter.acquire(comer('query', { owner: 'other', maxWaitMs: 2000 }))).toBeInstanceOf(Promise);
  });

  it('still let what is more urgent go first, whose ever it is', async () => {
    const { gone, call, turn } = start(1);
    void call('at once');
    void call('query of one');
    void call('query of other', 'query', stays, 'other');
    void call('mutation of one', 'mutation');
    await turn(10_000);
    expect(gone.slice(1)).toEqual(['mutation of one', 'query of one', 'query of other']);
  });
});

/** What may happen to a rateLimiter: time goes by, somebody comes, one of those that wait leaves. */
const steps = fc.array(
  fc.oneof(
    fc.record({ ms: fc.integer({ min: 1, max: 700 }) }),
    fc.record({ come: fc.constantFrom(...PRIORITIES), times: fc.integer({ min: 1, max: 15 }) }),
    fc.record({ leave: fc.nat(50) }),
  ),
  { maxLength: 40 },
);

describe('whoever comes and leaves, whenever', () => {
  it('no second has more calls than the rateLimiter beside what was saved up, and each that stays goes in time', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 20 }), steps, async (perSecond, steps) => {
        const { clock, times, call, turn } = start(perSecond);
        let staying = 0;
        const waiting: AbortController[] = [];
        for (const step of steps) {
          if ('ms' in step) await turn(step.ms);
          else if ('come' in step) {
            for (let time = 0; time < step.times; time++) {
              const leaving = new AbortController();
              waiting.push(leaving);
              staying++;
              call('call', step.come, leaving.signal).catch(() => staying--);
            }
          } else waiting[step.leave]?.abort(new Error('gone'));
          await settle();
        }
        await turn(Math.ceil((1000 * staying) / perSecond) + staying); // A timer is up to a millisecond late.
        expect(times).toHaveLength(staying);
        expect(clock.timers).toBe(0);
        // In any stretch of time: what one second saves up, and what the stretch itself brings.
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

  it('no second behind the first burst has more calls than the rateLimiter, as long as calls wait', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 50 }), async (perSecond) => {
        const { times, call, turn } = start(perSecond);
        for (let calls = 0; calls < perSecond * 6; calls++) void call();
        await turn(6000);
        const behind = times.slice(perSecond);
        expect(behind.length).toBeGreaterThan(perSecond * 4);
        for (const [index, time] of behind.entries()) {
          const inSecond = behind.slice(index).filter((other) => other < time + 1000).length;
          expect(inSecond).toBeLessThanOrEqual(perSecond + 1); // Of n gaps in a second there are n + 1 ends.
        }
      }),
      { numRuns: 20 },
    );
  });
});
