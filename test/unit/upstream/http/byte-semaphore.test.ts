import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createByteSemaphore } from '../../../../src/upstream/http/byte-semaphore.ts';

it('an acquisition that exceeds the free bytes waits for a release, and is not overtaken', () => {
  const semaphore = createByteSemaphore(10);
  const acquired: string[] = [];
  const first = semaphore.acquire(6, () => acquired.push('first'));
  const large = semaphore.acquire(5, () => acquired.push('large'));
  semaphore.acquire(4, () => acquired.push('small'));
  expect(acquired).toEqual(['first']);
  first();
  expect(acquired).toEqual(['first', 'large', 'small']);
  large();
  first(); // A second release has no effect.
  semaphore.acquire(7, () => acquired.push('too much'));
  expect(acquired).toEqual(['first', 'large', 'small']);
});

it('an acquisition that is canceled does not block the next one', () => {
  const semaphore = createByteSemaphore(10);
  const acquired: string[] = [];
  semaphore.acquire(6, () => acquired.push('first'));
  const large = semaphore.acquire(5, () => acquired.push('large'));
  semaphore.acquire(4, () => acquired.push('small'));
  large();
  expect(acquired).toEqual(['first', 'small']);
});

it('never grants more bytes than it has, and grants every acquisition at last: property', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 10 }), fc.nat())), (requests) => {
      const semaphore = createByteSemaphore(10);
      const granted = new Map<number, () => void>();
      const waiting = new Map<number, () => void>();
      const acquired = new Set<number>();
      const bytesInUse = () => [...acquired].reduce((sum, index) => sum + (requests[index]?.[0] ?? 0), 0);
      let total = 0;
      const settle = () => {
        for (const index of acquired) {
          const release = waiting.get(index);
          if (release) granted.set(index, release);
          waiting.delete(index);
        }
      };
      const releaseOne = (seed: number) => {
        settle();
        const [index, release] = [...granted][seed % granted.size] ?? [];
        if (index === undefined || release === undefined) return;
        granted.delete(index);
        acquired.delete(index);
        release();
        settle();
      };
      for (const [index, [bytes, seed]] of requests.entries()) {
        waiting.set(
          index,
          semaphore.acquire(bytes, () => {
            acquired.add(index);
            total++;
          }),
        );
        expect(bytesInUse()).toBeLessThanOrEqual(10);
        if (seed % 2) releaseOne(seed);
        expect(bytesInUse()).toBeLessThanOrEqual(10);
      }
      while (acquired.size > 0) releaseOne(0);
      expect(total).toBe(requests.length);
    }),
  );
});
