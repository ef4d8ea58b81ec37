import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRoom } from '../../../../src/store/cache/memory-cache.ts';

const thing = (name: string) => ({ name });

describe('a shelf', () => {
  it('gives what was put there, until it is put anew or deleted', () => {
    const shelf = createRoom(10_000).shelf<{ name: string }>('thing');
    shelf.set('key', thing('first'), 10);
    expect(shelf.get('key')).toEqual(thing('first'));
    shelf.set('key', thing('second'), 10);
    expect(shelf.get('key')).toEqual(thing('second'));
    shelf.delete('key');
    expect(shelf.get('key')).toBeUndefined();
  });

  it('never gives what stands on another under the same key', () => {
    const room = createRoom(10_000);
    const [jobs, files] = [room.shelf('job'), room.shelf('file')];
    jobs.set('key', thing('job'), 10);
    expect(files.get('key')).toBeUndefined();
    files.delete('key');
    expect(jobs.get('key')).toEqual(thing('job'));
  });

  it('does not keep what is heavier than all the room, nor what stood in its place before', () => {
    const room = createRoom(2000);
    const shelf = room.shelf('thing');
    shelf.set('other', thing('other'), 10);
    shelf.set('key', thing('light'), 10);
    shelf.set('key', thing('heavy'), 3000);
    expect(shelf.get('key')).toBeUndefined();
    expect(shelf.get('other')).toEqual(thing('other'));
  });
});

describe('a room', () => {
  it('makes place by what was not used for the longest time, on whichever shelf it stands', () => {
    const room = createRoom(5000);
    const [jobs, files] = [room.shelf('job'), room.shelf('file')];
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
    const room = createRoom(100_000);
    const shelf = room.shelf('thing');
    for (let n = 0; n < 1000; n++) shelf.set(`${n}`.padStart(200, '0'), thing('x'), 0);
    const kept = Array.from({ length: 1000 }, (_, n) => shelf.get(`${n}`.padStart(200, '0'))).filter(Boolean);
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
        const room = createRoom(10_000);
        const shelves = new Map(['job', 'file', 'events'].map((noun) => [noun, room.shelf<object>(noun)]));
        const weights = new Map<string, number>();
        for (const { noun, key, weight, isDeleted } of steps) {
          const shelf = shelves.get(noun);
          if (isDeleted) shelf?.delete(key);
          else shelf?.set(key, thing(key), weight);
          weights.set(`${noun} ${key}`, weight);
          expect(room.bytes).toBeLessThanOrEqual(10_000);
        }
        let least = 0;
        for (const [noun, shelf] of shelves)
          for (const key of ['a', 'b', 'c', 'd', 'e'.repeat(100)])
            if (shelf.get(key)) least += weights.get(`${noun} ${key}`) ?? 0;
        expect(room.bytes).toBeGreaterThanOrEqual(least);
      }),
    );
  });
});
