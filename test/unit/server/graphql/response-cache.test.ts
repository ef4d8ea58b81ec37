import { describe, expect, it } from 'vitest';
import { createResponseCache } from '../../../../src/server/graphql/response-cache.ts';
import { createTestClock } from '../../../kit/clock.ts';

const answer = (body: string) => ({ reply: { status: 200, headers: {}, body }, operationName: undefined });

describe('kept answers', () => {
  it('are given again while fresh, and not from then on', () => {
    const clock = createTestClock(0);
    const responseCache = createResponseCache(clock, 1_000_000);
    responseCache.set('q', answer('a'), 1000);
    clock.advance(999);
    expect(responseCache.get('q')).toEqual(answer('a'));
    clock.advance(1);
    expect(responseCache.get('q')).toBeUndefined();
  });

  it('that rest on nothing that moves are fresh for ever', () => {
    const clock = createTestClock(0);
    const responseCache = createResponseCache(clock, 1_000_000);
    responseCache.set('q', answer('a'), Number.POSITIVE_INFINITY);
    clock.advance(1e12);
    expect(responseCache.get('q')).toEqual(answer('a'));
  });

  it('are not kept when they are no longer fresh', () => {
    const responseCache = createResponseCache(createTestClock(1000), 1_000_000);
    responseCache.set('q', answer('a'), 1000);
    expect(responseCache.get('q')).toBeUndefined();
  });

  it('are bounded: one that is large is not kept, and many push out the oldest', () => {
    const responseCache = createResponseCache(createTestClock(0), 16 * 1024 * 1024);
    responseCache.set('large', answer('x'.repeat(600_000)), 1000);
    expect(responseCache.get('large')).toBeUndefined();
    for (let i = 0; i < 100; i++) responseCache.set(`q${i}`, answer('x'.repeat(200_000)), 1000);
    const left = Array.from({ length: 100 }, (_, i) => responseCache.get(`q${i}`)).filter(Boolean);
    expect(left.length).toBeGreaterThan(10);
    expect(left.length).toBeLessThanOrEqual(42);
  });
});
