import { expect, it } from 'vitest';
import { collectStartGarbage } from '../../../src/cli/start-garbage.ts';
import { createTestClock } from '../../kit/clock.ts';

/** Returns the number of collections after each of the intervals, in which the event loop had these utilizations. */
async function collectionsAfter(utilizations: readonly number[]): Promise<number[]> {
  const clock = createTestClock();
  let [collections, utilization] = [0, 0];
  collectStartGarbage(
    clock,
    () => collections++,
    () => ({ idle: 0, active: 0, utilization }),
  );
  const counts: number[] = [];
  for (utilization of utilizations) {
    await clock.advance(2_000);
    counts.push(collections);
  }
  return counts;
}

it('collects the garbage of the start once', async () => {
  expect(await collectionsAfter([0, 0, 0])).toEqual([1, 1, 1]);
});

it('collects under no load, only after it', async () => {
  expect(await collectionsAfter([1, 0.1, 0.01, 0.01])).toEqual([0, 0, 1, 1]);
});
