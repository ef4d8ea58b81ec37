import { describe, expect, it } from 'vitest';
import { createMemoryCache } from '../../../../src/memory-cache.ts';
import { createResponseCache } from '../../../../src/server/graphql/response-cache.ts';
import { createTestClock } from '../../../kit/clock.ts';

const response = (body: string) => ({
  reply: { status: 200, headers: {}, body: Buffer.from(body) },
  context: {
    operationName: undefined,
    operationType: 'query' as const,
    isTrusted: false,
    readContext: { upstreamCalls: 0 },
  },
});

describe('a cached response', () => {
  it('is returned while it is fresh', () => {
    const clock = createTestClock(0);
    const responseCache = createResponseCache(clock, createMemoryCache(1_000_000));
    responseCache.set('q', response('a'), 1000);
    clock.advance(999);
    expect(responseCache.get('q')).toMatchObject(response('a'));
    clock.advance(1);
    expect(responseCache.get('q')).toBeUndefined();
  });

  it('stays fresh when it depends on settled data only', () => {
    const clock = createTestClock(0);
    const responseCache = createResponseCache(clock, createMemoryCache(1_000_000));
    responseCache.set('q', response('a'), Number.POSITIVE_INFINITY);
    clock.advance(1e12);
    const cached = responseCache.get('q');
    expect(cached).toMatchObject(response('a'));
    expect(cached && responseCache.startRefresh(cached)).toBe(false);
  });

  it('is not stored when it is already stale', () => {
    const responseCache = createResponseCache(createTestClock(1000), createMemoryCache(1_000_000));
    responseCache.set('q', response('a'), 1000);
    expect(responseCache.get('q')).toBeUndefined();
  });

  it('is not stored above the size of an entry, and is evicted when the cache is full', () => {
    const responseCache = createResponseCache(createTestClock(0), createMemoryCache(16 * 1024 * 1024));
    responseCache.set('large', response('x'.repeat(1_200_000)), 1000);
    expect(responseCache.get('large')).toBeUndefined();
    for (let i = 0; i < 100; i++) responseCache.set(`q${i}`, response('x'.repeat(400_000)), 1000);
    const remaining = Array.from({ length: 100 }, (_, i) => responseCache.get(`q${i}`)).filter(Boolean);
    expect(remaining.length).toBeGreaterThan(10);
    expect(remaining.length).toBeLessThanOrEqual(42);
  });
});

describe('a cached response near its end', () => {
  const setUp = () => {
    const clock = createTestClock(0);
    const responseCache = createResponseCache(clock, createMemoryCache(1_000_000), () => 0.5);
    responseCache.set('q', response('a'), 1000);
    const cached = responseCache.get('q');
    if (!cached) throw new Error('not cached');
    return { clock, responseCache, cached };
  };

  it('is refreshed by one reader, at a random point between 80 and 90 % of its life', () => {
    const { clock, responseCache, cached } = setUp();
    clock.advance(849);
    expect(responseCache.startRefresh(cached)).toBe(false);
    clock.advance(2);
    expect([responseCache.startRefresh(cached), responseCache.startRefresh(cached)]).toEqual([true, false]);
    expect(responseCache.get('q')).toBe(cached); // For all other readers.
  });

  it('is refreshed by another reader when the first one has not tried', () => {
    const { clock, responseCache, cached } = setUp();
    clock.advance(900);
    responseCache.startRefresh(cached);
    responseCache.releaseRefresh(cached);
    expect([responseCache.startRefresh(cached), responseCache.startRefresh(cached)]).toEqual([true, false]);
  });

  it('is refreshed again when its refresh has newer data, and not when it has the same', () => {
    const { clock, responseCache } = setUp();
    clock.advance(900);
    responseCache.set('q', response('b'), 1000);
    const same = responseCache.get('q');
    clock.advance(99);
    expect(same && responseCache.startRefresh(same)).toBe(false);
    responseCache.set('q', response('c'), 2000);
    const newer = responseCache.get('q');
    clock.advance(990);
    expect(newer && responseCache.startRefresh(newer)).toBe(true);
  });
});
