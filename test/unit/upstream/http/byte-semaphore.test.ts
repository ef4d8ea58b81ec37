import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createByteSemaphore } from '../../../../src/upstream/http/byte-semaphore.ts';

it('whoever finds too little left waits until enough is put back, and is not overtaken', () => {
  const semaphore = createByteSemaphore(10);
  const went: string[] = [];
  const first = semaphore.acquire(6, () => went.push('first'));
  const large = semaphore.acquire(5, () => went.push('large'));
  semaphore.acquire(4, () => went.push('small'));
  expect(went).toEqual(['first']);
  first();
  expect(went).toEqual(['first', 'large', 'small']);
  large();
  first(); // A second time, it puts nothing back.
  semaphore.acquire(7, () => went.push('too much'));
  expect(went).toEqual(['first', 'large', 'small']);
});

it('whoever leaves the queue lets the next go', () => {
  const semaphore = createByteSemaphore(10);
  const went: string[] = [];
  semaphore.acquire(6, () => went.push('first'));
  const large = semaphore.acquire(5, () => went.push('large'));
  semaphore.acquire(4, () => went.push('small'));
  large();
  expect(went).toEqual(['first', 'small']);
});

it('never gives more than it has, and everybody goes in the end', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 10 }), fc.nat())), (wishes) => {
      const semaphore = createByteSemaphore(10);
      const holding = new Map<number, () => void>();
      const waiting = new Map<number, () => void>();
      const went = new Set<number>();
      const held = () => [...went].reduce((sum, index) => sum + (wishes[index]?.[0] ?? 0), 0);
      let all = 0;
      const settle = () => {
        for (const index of went) {
          const back = waiting.get(index);
          if (back) holding.set(index, back);
          waiting.delete(index);
        }
      };
      const leave = (place: number) => {
        settle();
        const [index, back] = [...holding][place % holding.size] ?? [];
        if (index === undefined || back === undefined) return;
        holding.delete(index);
        went.delete(index);
        back();
        settle();
      };
      for (const [index, [bytes, place]] of wishes.entries()) {
        waiting.set(
          index,
          semaphore.acquire(bytes, () => {
            went.add(index);
            all++;
          }),
        );
        expect(held()).toBeLessThanOrEqual(10);
        if (place % 2) leave(place);
        expect(held()).toBeLessThanOrEqual(10);
      }
      while (went.size > 0) leave(0);
      expect(all).toBe(wishes.length);
    }),
  );
});
