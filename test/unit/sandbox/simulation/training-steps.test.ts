import { describe, expect, it } from 'vitest';
import {
  completedSteps,
  stepsPerEpoch,
  stepTime,
  totalSteps,
} from '../../../../src/sandbox/simulation/training-steps.ts';
import { CREATED_AT, END, planOf, timeOf } from '../plan.ts';

describe('the training of a job', () => {
  it('has each example once per epoch, with a smaller last batch', () => {
    const plan = planOf({ changes: { examples: 83, steps: { n_epochs: 3, batch_size: 4 } } });
    expect(stepsPerEpoch(plan)).toBe(21);
    expect(totalSteps(plan)).toBe(63);
  });

  it('has its last step some seconds before the success', () => {
    const plan = planOf();
    expect(timeOf(plan, 'succeeded') - stepTime(plan, 240)).toBeCloseTo(8000, -1);
  });

  it('has fewer steps when the job is cancelled', () => {
    const plan = planOf({ outcome: 'cancelled' });
    expect(stepTime(plan, 240)).toBe(Number.POSITIVE_INFINITY);
    expect(completedSteps(plan, END)).toBeGreaterThan(0);
    expect(completedSteps(plan, END)).toBeLessThan(240);
  });

  it('counts completed steps', () => {
    const plan = planOf();
    for (const step of [3, 120, 240]) {
      expect(completedSteps(plan, stepTime(plan, step))).toBe(step);
      expect(completedSteps(plan, stepTime(plan, step) - 1)).toBe(step - 3);
    }
  });

  it('continues after a pause', () => {
    const uninterrupted = planOf();
    const [start, minute] = [timeOf(uninterrupted, 'running'), 60_000];
    const pausedAt = start + 5 * minute;
    const plan = {
      ...uninterrupted,
      changes: [
        { status: 'running', at: start },
        { status: 'paused', at: pausedAt },
        { status: 'running', at: pausedAt + 90 * minute },
      ] as const,
    };
    const done = completedSteps(plan, pausedAt);
    expect(done).toBeGreaterThan(0);
    expect(completedSteps(plan, pausedAt + 90 * minute)).toBe(done);
    expect(stepTime(plan, 240)).toBe(stepTime(uninterrupted, 240) + 90 * minute);
  });

  it('has no completed steps at the creation of the job', () => {
    expect(completedSteps(planOf(), CREATED_AT)).toBe(0);
  });
});
