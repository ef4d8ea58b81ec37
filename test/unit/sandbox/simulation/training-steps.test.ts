import { describe, expect, it } from 'vitest';
import {
  completedSteps,
  stepsPerEpoch,
  stepTime,
  totalSteps,
} from '../../../../src/sandbox/simulation/training-steps.ts';
import { CREATED_AT, END, planOf, timeOf } from '../plan.ts';

describe('the training of a job', () => {
  it('sees each example once in an epoch, the last batch being smaller', () => {
    const plan = planOf({ changes: { examples: 83, steps: { n_epochs: 3, batch_size: 4 } } });
    expect(stepsPerEpoch(plan)).toBe(21);
    expect(totalSteps(plan)).toBe(63);
  });

  it('comes to its last step some seconds before the job succeeds', () => {
    const plan = planOf();
    expect(timeOf(plan, 'succeeded') - stepTime(plan, 240)).toBeCloseTo(8000, -1);
  });

  it('never comes to all steps of a job that is cancelled', () => {
    const plan = planOf({ outcome: 'cancelled' });
    expect(stepTime(plan, 240)).toBe(Number.POSITIVE_INFINITY);
    expect(completedSteps(plan, END)).toBeGreaterThan(0);
    expect(completedSteps(plan, END)).toBeLessThan(240);
  });

  it('counts the steps that have come out', () => {
    const plan = planOf();
    for (const step of [3, 120, 240]) {
      expect(completedSteps(plan, stepTime(plan, step))).toBe(step);
      expect(completedSteps(plan, stepTime(plan, step) - 1)).toBe(step - 3);
    }
  });

  it('goes on where it stopped when a paused job is resumed', () => {
    const straight = planOf();
    const [start, minute] = [timeOf(straight, 'running'), 60_000];
    const pausedAt = start + 5 * minute;
    const plan = {
      ...straight,
      changes: [
        { status: 'running', at: start },
        { status: 'paused', at: pausedAt },
        { status: 'running', at: pausedAt + 90 * minute },
      ] as const,
    };
    const done = completedSteps(plan, pausedAt);
    expect(done).toBeGreaterThan(0);
    expect(completedSteps(plan, pausedAt + 90 * minute)).toBe(done);
    expect(stepTime(plan, 240)).toBe(stepTime(straight, 240) + 90 * minute);
  });

  it('has not begun at the birth of the job', () => {
    expect(completedSteps(planOf(), CREATED_AT)).toBe(0);
  });
});
