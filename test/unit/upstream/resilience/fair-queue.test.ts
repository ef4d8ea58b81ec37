import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createFairQueue, type FairQueue } from '../../../../src/upstream/resilience/fair-queue.ts';

type Item = { readonly owner: string; readonly number: number };

function takeAll(queue: FairQueue<Item>): Item[] {
  const taken: Item[] = [];
  for (let item = queue.take(); item !== undefined; item = queue.take()) taken.push(item);
  return taken;
}

const steps = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: fc.record({ add: fc.constantFrom('a', 'b', 'c') }) },
    { weight: 1, arbitrary: fc.record({ leave: fc.nat(20) }) },
    { weight: 1, arbitrary: fc.constant({ take: true }) },
  ),
  { maxLength: 60 },
);

/** Plays steps; gives those that still wait, in the order of their coming. */
function play(queue: FairQueue<Item>, steps: readonly object[]): Item[] {
  const waiting: Item[] = [];
  let number = 0;
  for (const step of steps) {
    if ('add' in step) {
      const item = { owner: String(step.add), number: number++ };
      waiting.push(item);
      queue.add(item.owner, item);
    } else if ('leave' in step) {
      const [item] = waiting.splice(Number(step.leave), 1);
      if (item) queue.delete(item.owner, item);
    } else {
      const item = queue.take();
      if (item) waiting.splice(waiting.indexOf(item), 1);
    }
    expect(queue.size).toBe(waiting.length);
  }
  return waiting;
}

describe('turns, whoever comes and leaves', () => {
  it('give each that waits once, those of one owner in their order', () => {
    fc.assert(
      fc.property(steps, (steps) => {
        const queue = createFairQueue<Item>();
        const waiting = play(queue, steps);
        const taken = takeAll(queue);
        const byOwner = (items: readonly Item[]) =>
          ['a', 'b', 'c'].map((name) => items.filter((i) => i.owner === name));
        expect(byOwner(taken)).toEqual(byOwner(waiting));
      }),
    );
  });

  it('let no owner go twice while another waits', () => {
    fc.assert(
      fc.property(steps, (steps) => {
        const queue = createFairQueue<Item>();
        play(queue, steps);
        const taken = takeAll(queue);
        for (const [index, { owner }] of taken.entries()) {
          const next = taken.findIndex((item, at) => at > index && item.owner === owner);
          const between = new Set(taken.slice(index + 1, next).map((item) => item.owner));
          const later = new Set(taken.slice(Math.max(next, 0)).map((item) => item.owner));
          if (next > 0) expect([...later].filter((name) => name !== owner && !between.has(name))).toEqual([]);
        }
      }),
    );
  });

  it('say how many go before one that comes now, at most', () => {
    fc.assert(
      fc.property(steps, fc.constantFrom('a', 'b', 'c', 'd'), (steps, owner) => {
        const queue = createFairQueue<Item>();
        play(queue, steps);
        const ahead = queue.countAhead(owner);
        const item = { owner, number: -1 };
        queue.add(owner, item);
        const position = takeAll(queue).indexOf(item);
        expect(position).toBeLessThanOrEqual(ahead);
        expect(position).toBeGreaterThanOrEqual(ahead - 3); // Owners whose turn comes later in the round.
      }),
    );
  });

  it('forget nobody who waits when one leaves that does not', () => {
    const queue = createFairQueue<Item>();
    const item = { owner: 'a', number: 0 };
    queue.add('a', item);
    queue.delete('a', { ...item });
    queue.delete('b', item);
    expect([queue.size, queue.take(), queue.size, queue.take()]).toEqual([1, item, 0, undefined]);
  });
});
