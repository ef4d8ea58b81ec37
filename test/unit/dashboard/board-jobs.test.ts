import { describe, expect, it } from 'vitest';
import { curveFrom } from '../../../src/dashboard/board/curve.ts';
import { missingIds } from '../../../src/dashboard/board/missing-jobs.ts';

const job = (id: string, createdAt: number) => ({ id, createdAt });
const known = [job('d', 4), job('c', 3), job('b', 2), job('a', 1)];

describe('a job that a read of the list lacks', () => {
  it('is missing when the list has older ones', () => {
    expect(missingIds(known, [job('d', 4), job('b', 2)], false)).toEqual(['c']);
  });

  it('is missing when the list is whole', () => {
    expect(missingIds(known, [job('d', 4), job('b', 2)], true)).toEqual(['c', 'a']);
    expect(missingIds(known, [], true)).toEqual(['d', 'c', 'b', 'a']);
    expect(missingIds(known, [], false)).toEqual([]);
  });

  it('is not missing when the list has the time of its second last: the next page can have it', () => {
    expect(missingIds([...known, job('e', 2)], [job('d', 4), job('c', 3), job('b', 2)], false)).toEqual([]);
  });

  it('is not missing in a list in another order, or with a job in an invalid form', () => {
    expect(missingIds(known, [job('a', 1), job('b', 2), job('d', 4)], false)).toEqual([]);
    expect(missingIds(known, [job('d', 4), null], true)).toEqual([]);
  });
});

describe('the curve of a row', () => {
  const step = (number: number, trainLoss: number | null, trainMeanReward: number | null) => ({
    step: number,
    trainLoss,
    trainMeanReward,
  });

  it('is the loss with its minimum', () => {
    expect(curveFrom([step(1, 2, null), step(2, 0.5, null), step(3, 1, null)], false)).toEqual({
      metric: 'loss',
      points: [2, 0.5, 1].map((value, index) => ({ step: index + 1, value })),
      best: 0.5,
      last: 1,
    });
  });

  it('is the reward with its maximum where there is no loss, or where the reward is what counts', () => {
    const reward = { metric: 'reward', best: 0.9, last: 0.7 };
    expect(curveFrom([step(1, null, 0.9), step(2, null, 0.7)], false)).toMatchObject(reward);
    expect(curveFrom([step(1, 2, 0.9), step(2, 1, 0.7)], true)).toMatchObject(reward);
    expect(curveFrom([step(1, 2, 0.9), step(2, 1, 0.7)], false)).toMatchObject({ metric: 'loss', best: 1 });
    expect(curveFrom([step(1, 2, null)], true)).toMatchObject({ metric: 'loss' });
  });

  it('is null without values', () => {
    expect(curveFrom([step(1, null, null)], true)).toBeNull();
  });
});
