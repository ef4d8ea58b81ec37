import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createFairQueue, type FairQueue } from '../../../../src/upstream/resilience/fair-queue.ts';

type Item = { readonly owner: string; readonly number: number };

function takeAll(queue: FairQueue<Item>): Item[] {
  const taken: Item[] = [];
  for (let next = queue.take(); next !== undefined; next = queue.take()) taken.push(next.item);
  return taken;
}

const steps = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: fc.record({ add: fc.constantFrom('a', 'b', 'c') }) },
    { weight: 1, arbitrary: fc.record({ remove: fc.nat(20) }) },
    { weight: 1, arbitrary: fc.constant({ take: true }) },
  ),
  { maxLength: 60 },
);

/** Runs the steps. Returns the items that still wait, in order of arrival. */
function run(queue: FairQueue<Item>, steps: readonly object[]): Item[] {
  const waiting: Item[] = [];
  let number = 0;
  for (const step of steps) {
    if ('add' in step) {
      const item = { owner: String(step.add), number: number++ };
      waiting.push(item);
      queue.add(item.owner, item);
    } else if ('remove' in step) {
      const [item] = waiting.splice(Number(step.remove), 1);
      if (item) queue.delete(item);
    } else {
      const item = queue.take()?.item;
      if (item) waiting.splice(waiting.indexOf(item), 1);
    }
    expect(queue.size).toBe(waiting.length);
  }
  return waiting;
}

describe('a fair queue', () => {
  it('returns each waiting item once, those of one owner in order of arrival: property', () => {
    fc.assert(
      fc.property(steps, (steps) => {
        const queue = createFairQueue<Item>();
        const waiting = run(queue, steps);
        const taken = takeAll(queue);
        const byOwner = (items: readonly Item[]) =>
          ['a', 'b', 'c'].map((name) => items.filter((i) => i.owner === name));
        expect(byOwner(taken)).toEqual(byOwner(waiting));
      }),
    );
  });

  it('takes no second item of an owner while another owner waits: property', () => {
    fc.assert(
      fc.property(steps, (steps) => {
        const queue = createFairQueue<Item>();
        run(queue, steps);
        const taken = takeAll(queue);
        for (const [index, { owner }] of taken.entries()) {
          const next = taken.findIndex((item, position) => position > index && item.owner === owner);
          const between = new Set(taken.slice(index + 1, next).map((item) => item.owner));
          const later = new Set(taken.slice(Math.max(next, 0)).map((item) => item.owner));
          if (next > 0) expect([...later].filter((name) => name !== owner && !between.has(name))).toEqual([]);
        }
      }),
    );
  });

  it('never underestimates the items ahead of a new one: property', () => {
    fc.assert(
      fc.property(steps, fc.constantFrom('a', 'b', 'c', 'd'), (steps, owner) => {
        const queue = createFairQueue<Item>();
        run(queue, steps);
        const ahead = queue.countAhead(owner);
        const item = { owner, number: -1 };
        queue.add(owner, item);
        const position = takeAll(queue).indexOf(item);
        expect(position).toBeLessThanOrEqual(ahead);
        expect(position).toBeGreaterThanOrEqual(ahead - 3); // Other owners may come later in the round.
      }),
    );
  });

  it('ignores the removal of an item that does not wait', () => {
    const queue = createFairQueue<Item>();
    const item = { owner: 'a', number: 0 };
    queue.add('a', item);
    queue.delete({ ...item });
    expect([queue.size, queue.take()?.item, queue.size, queue.take()]).toEqual([1, item, 0, undefined]);
  });

  it('takes an item of several owners in the first turn that any of them has, once', () => {
    const queue = createFairQueue<string>();
    for (const item of ['a1', 'a2', 'shared']) queue.add('a', item);
    queue.add('b', 'shared');
    expect(queue.size).toBe(3);
    const taken = [queue.take(), queue.take(), queue.take(), queue.take()];
    expect(taken.map((next) => next && [next.owner, next.item])).toEqual([
      ['a', 'a1'],
      ['b', 'shared'],
      ['a', 'a2'],
      undefined,
    ]);
    expect([queue.size, queue.countOf('a'), queue.countOf('b')]).toEqual([0, 0, 0]);
  });

  it('skips owners that may not take a turn now', () => {
    const queue = createFairQueue<string>();
    queue.add('a', 'a1');
    queue.add('b', 'b1');
    expect(queue.take((owner) => owner === 'b')?.item).toBe('b1');
    expect(queue.hasNext((owner) => owner === 'b')).toBe(false);
    expect(queue.take()?.item).toBe('a1');
  });
});
