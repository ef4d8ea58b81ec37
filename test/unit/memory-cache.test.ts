import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createMemoryCache } from '../../src/memory-cache.ts';

const entityOf = (name: string) => ({ name });

describe('a partition', () => {
  it('returns the last value set under a key, until it is deleted', () => {
    const cache = createMemoryCache(10_000).partition<{ name: string }>('entity');
    cache.set('key', entityOf('first'), 10);
    expect(cache.get('key')).toEqual(entityOf('first'));
    cache.set('key', entityOf('second'), 10);
    expect(cache.get('key')).toEqual(entityOf('second'));
    cache.delete('key');
    expect(cache.get('key')).toBeUndefined();
  });

  it('does not share keys with another partition', () => {
    const memoryCache = createMemoryCache(10_000);
    const [jobs, files] = [memoryCache.partition('job'), memoryCache.partition('file')];
    jobs.set('key', entityOf('job'), 10);
    expect(files.get('key')).toBeUndefined();
    files.delete('key');
    expect(jobs.get('key')).toEqual(entityOf('job'));
  });

  it('stores no value larger than the cache, and removes the previous value of its key', () => {
    const memoryCache = createMemoryCache(2000);
    const cache = memoryCache.partition('entity');
    cache.set('other', entityOf('other'), 10);
    cache.set('key', entityOf('small'), 10);
    cache.set('key', entityOf('large'), 3000);
    expect(cache.get('key')).toBeUndefined();
    expect(cache.get('other')).toEqual(entityOf('other'));
  });
});

describe('the cache', () => {
  it('evicts the least recently used entry of all partitions', () => {
    const memoryCache = createMemoryCache(5000);
    const [jobs, files] = [memoryCache.partition('job'), memoryCache.partition('file')];
    jobs.set('a', entityOf('a'), 1000);
    files.set('b', entityOf('b'), 1000);
    jobs.set('c', entityOf('c'), 1000);
    jobs.get('a');
    files.set('d', entityOf('d'), 1000);
    expect([jobs.get('a'), files.get('b'), jobs.get('c'), files.get('d')].map((value) => value !== undefined)).toEqual([
      true,
      false,
      true,
      true,
    ]);
  });

  it('counts the size of keys and entries too, so that small values are bounded as well', () => {
    const memoryCache = createMemoryCache(100_000);
    const cache = memoryCache.partition('entity');
    for (let n = 0; n < 1000; n++) cache.set(`${n}`.padStart(200, '0'), entityOf('x'), 0);
    const found = Array.from({ length: 1000 }, (_, n) => cache.get(`${n}`.padStart(200, '0'))).filter(Boolean);
    expect(found.length).toBeGreaterThan(50);
    expect(found.length).toBeLessThan(125);
  });

  it('never exceeds its size limit, for any order of writes and deletions: property', () => {
    const step = fc.record({
      name: fc.constantFrom('job', 'file', 'events'),
      key: fc.constantFrom('a', 'b', 'c', 'd', 'e'.repeat(100)),
      bytes: fc.oneof(fc.integer({ min: 0, max: 3000 }), fc.double({ min: 0, max: 20_000, noNaN: true })),
      isDeleted: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
        const memoryCache = createMemoryCache(10_000);
        const partitions = new Map(
          ['job', 'file', 'events'].map((name) => [name, memoryCache.partition<object>(name)]),
        );
        const sizes = new Map<string, number>();
        for (const { name, key, bytes, isDeleted } of steps) {
          const cache = partitions.get(name);
          if (isDeleted) cache?.delete(key);
          else cache?.set(key, entityOf(key), bytes);
          sizes.set(`${name} ${key}`, bytes);
          expect(memoryCache.bytes).toBeLessThanOrEqual(10_000);
        }
        let minBytes = 0;
        for (const [name, cache] of partitions)
          for (const key of ['a', 'b', 'c', 'd', 'e'.repeat(100)])
            if (cache.get(key)) minBytes += sizes.get(`${name} ${key}`) ?? 0;
        expect(memoryCache.bytes).toBeGreaterThanOrEqual(minBytes);
      }),
    );
  });
});
