import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createTurns, type Turns } from '../../../../src/upstream/resilience/fair-queue.ts';

type Item = { readonly owner: string; readonly number: number };

function takeAll(turns: Turns<Item>): Item[] {
  const taken: Item[] = [];
  for (let item = turns.take(); item !== undefined; item = turns.take()) taken.push(item);
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
function play(turns: Turns<Item>, steps: readonly object[]): Item[] {
  const waiting: Item[] = [];
  let number = 0;
  for (const step of steps) {
    if ('add' in step) {
      const item = { owner: String(step.add), number: number++ };
      waiting.push(item);
      turns.add(item.owner, item);
    } else if ('leave' in step) {
      const [item] = waiting.splice(Number(step.leave), 1);
      if (item) turns.delete(item.owner, item);
    } else {
      const item = turns.take();
      if (item) waiting.splice(waiting.indexOf(item), 1);
    }
    expect(turns.size).toBe(waiting.length);
  }
  return waiting;
}

describe('turns, whoever comes and leaves', () => {
  it('give each that waits once, those of one owner in their order', () => {
    fc.assert(
      fc.property(steps, (steps) => {
        const turns = createTurns<Item>();
        const waiting = play(turns, steps);
        const taken = takeAll(turns);
        const byOwner = (items: readonly Item[]) =>
          ['a', 'b', 'c'].map((name) => items.filter((i) => i.owner === name));
        expect(byOwner(taken)).toEqual(byOwner(waiting));
      }),
    );
  });

  it('let no owner go twice while another waits', () => {
    fc.assert(
      fc.property(steps, (steps) => {
        const turns = createTurns<Item>();
        play(turns, steps);
        const taken = takeAll(turns);
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
        const turns = createTurns<Item>();
        play(turns, steps);
        const ahead = turns.ahead(owner);
        const item = { owner, number: -1 };
        turns.add(owner, item);
        const position = takeAll(turns).indexOf(item);
        expect(position).toBeLessThanOrEqual(ahead);
        expect(position).toBeGreaterThanOrEqual(ahead - 3); // Owners whose turn comes later in the round.
      }),
    );
  });

  it('forget nobody who waits when one leaves that does not', () => {
    const turns = createTurns<Item>();
    const item = { owner: 'a', number: 0 };
    turns.add('a', item);
    turns.delete('a', { ...item });
    turns.delete('b', item);
    expect([turns.size, turns.take(), turns.size, turns.take()]).toEqual([1, item, 0, undefined]);
  });
});
