import { describe, expect, it } from 'vitest';
import { stepAt, stepsAt, stepsOfEpoch, totalSteps } from '../../../../src/sandbox/simulation/training-steps.ts';
import { BORN, END, planOf, turn } from '../plan.ts';

describe('the training of a job', () => {
  it('sees each example once in an epoch, the last batch being smaller', () => {
    const plan = planOf({ changes: { examples: 83, steps: { n_epochs: 3, batch_size: 4 } } });
    expect(stepsOfEpoch(plan)).toBe(21);
    expect(totalSteps(plan)).toBe(63);
  });

  it('comes to its last step some seconds before the job succeeds', () => {
    const plan = planOf();
    expect(turn(plan, 'succeeded') - stepAt(plan, 240)).toBeCloseTo(8000, -1);
  });

  it('never comes to all steps of a job that is cancelled', () => {
    const plan = planOf({ outcome: 'cancelled' });
    expect(stepAt(plan, 240)).toBe(Number.POSITIVE_INFINITY);
    expect(stepsAt(plan, END)).toBeGreaterThan(0);
    expect(stepsAt(plan, END)).toBeLessThan(240);
  });

  it('counts the steps that have come out', () => {
    const plan = planOf();
    for (const step of [3, 120, 240]) {
      expect(stepsAt(plan, stepAt(plan, step))).toBe(step);
      expect(stepsAt(plan, stepAt(plan, step) - 1)).toBe(step - 3);
    }
  });

  it('goes on where it stopped when a paused job is resumed', () => {
    const straight = planOf();
    const [start, minute] = [turn(straight, 'running'), 60_000];
    const pausedAt = start + 5 * minute;
    const plan = {
      ...straight,
      changes: [
        { status: 'running', at: start },
        { status: 'paused', at: pausedAt },
        { status: 'running', at: pausedAt + 90 * minute },
      ] as const,
    };
    const done = stepsAt(plan, pausedAt);
    expect(done).toBeGreaterThan(0);
    expect(stepsAt(plan, pausedAt + 90 * minute)).toBe(done);
    expect(stepAt(plan, 240)).toBe(stepAt(straight, 240) + 90 * minute);
  });

  it('has not begun at the birth of the job', () => {
    expect(stepsAt(planOf(), BORN)).toBe(0);
  });
});
