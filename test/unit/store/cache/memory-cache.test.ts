import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createMemoryCache } from '../../../../src/store/cache/memory-cache.ts';

const thing = (name: string) => ({ name });

describe('a shelf', () => {
  it('gives what was put there, until it is put anew or deleted', () => {
    const cache = createMemoryCache(10_000).partition<{ name: string }>('thing');
    cache.set('key', thing('first'), 10);
    expect(cache.get('key')).toEqual(thing('first'));
    cache.set('key', thing('second'), 10);
    expect(cache.get('key')).toEqual(thing('second'));
    cache.delete('key');
    expect(cache.get('key')).toBeUndefined();
  });

  it('never gives what stands on another under the same key', () => {
    const memoryCache = createMemoryCache(10_000);
    const [jobs, files] = [memoryCache.partition('job'), memoryCache.partition('file')];
    jobs.set('key', thing('job'), 10);
    expect(files.get('key')).toBeUndefined();
    files.delete('key');
    expect(jobs.get('key')).toEqual(thing('job'));
  });

  it('does not keep what is heavier than all the room, nor what stood in its place before', () => {
    const memoryCache = createMemoryCache(2000);
    const cache = memoryCache.partition('thing');
    cache.set('other', thing('other'), 10);
    cache.set('key', thing('light'), 10);
    cache.set('key', thing('heavy'), 3000);
    expect(cache.get('key')).toBeUndefined();
    expect(cache.get('other')).toEqual(thing('other'));
  });
});

describe('a room', () => {
  it('makes place by what was not used for the longest time, on whichever shelf it stands', () => {
    const memoryCache = createMemoryCache(5000);
    const [jobs, files] = [memoryCache.partition('job'), memoryCache.partition('file')];
    jobs.set('a', thing('a'), 1000);
    files.set('b', thing('b'), 1000);
    jobs.set('c', thing('c'), 1000);
    jobs.get('a');
    files.set('d', thing('d'), 1000);
    expect([jobs.get('a'), files.get('b'), jobs.get('c'), files.get('d')].map((kept) => kept !== undefined)).toEqual([
      true,
      false,
      true,
      true,
    ]);
  });

  it('counts keys and entries too, so that small values are bounded as well', () => {
    const memoryCache = createMemoryCache(100_000);
    const cache = memoryCache.partition('thing');
    for (let n = 0; n < 1000; n++) cache.set(`${n}`.padStart(200, '0'), thing('x'), 0);
    const kept = Array.from({ length: 1000 }, (_, n) => cache.get(`${n}`.padStart(200, '0'))).filter(Boolean);
    expect(kept.length).toBeGreaterThan(50);
    expect(kept.length).toBeLessThan(125);
  });

  it('never holds more than its bytes, whatever is put, put anew and taken away: property', () => {
    const step = fc.record({
      noun: fc.constantFrom('job', 'file', 'events'),
      key: fc.constantFrom('a', 'b', 'c', 'd', 'e'.repeat(100)),
      weight: fc.oneof(fc.integer({ min: 0, max: 3000 }), fc.double({ min: 0, max: 20_000, noNaN: true })),
      isDeleted: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
        const memoryCache = createMemoryCache(10_000);
        const shelves = new Map(['job', 'file', 'events'].map((noun) => [noun, memoryCache.partition<object>(noun)]));
        const weights = new Map<string, number>();
        for (const { noun, key, weight, isDeleted } of steps) {
          const cache = shelves.get(noun);
          if (isDeleted) cache?.delete(key);
          else cache?.set(key, thing(key), weight);
          weights.set(`${noun} ${key}`, weight);
          expect(memoryCache.bytes).toBeLessThanOrEqual(10_000);
        }
        let least = 0;
        for (const [noun, cache] of shelves)
          for (const key of ['a', 'b', 'c', 'd', 'e'.repeat(100)])
            if (cache.get(key)) least += weights.get(`${noun} ${key}`) ?? 0;
        expect(memoryCache.bytes).toBeGreaterThanOrEqual(least);
      }),
    );
  });
});
