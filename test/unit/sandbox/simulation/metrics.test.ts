import { describe, expect, it } from 'vitest';
import { type StepMetrics, stepMetrics } from '../../../../src/sandbox/simulation/metrics.ts';
import { noise } from '../../../../src/sandbox/simulation/noise.ts';
import { totalSteps } from '../../../../src/sandbox/simulation/training-steps.ts';
import { planOf } from '../plan.ts';

const SEEDS = Array.from({ length: 20 }, (_, seed) => seed);
type Plan = ReturnType<typeof planOf>;

/** The values of one metric, the first step first, without missing values. */
function curve(plan: Plan, metric: keyof StepMetrics): number[] {
  const steps = Array.from({ length: totalSteps(plan) }, (_, index) => stepMetrics(plan, index + 1)[metric]);
  return steps.filter((value) => value !== undefined);
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
const firstTenth = (values: readonly number[]) => mean(values.slice(0, values.length / 10));
const lastTenth = (values: readonly number[]) => mean(values.slice(-values.length / 10));

describe('the metrics of a job', () => {
  it('have a loss that falls to about the final loss of the scenario', () => {
    for (const seed of SEEDS) {
      const losses = curve(planOf({ seed }), 'train_loss');
      expect(firstTenth(losses)).toBeGreaterThan(2 * lastTenth(losses));
      expect(lastTenth(losses)).toBeCloseTo(0.43, 1);
    }
  });

  it('have an accuracy that rises, up to one', () => {
    for (const seed of SEEDS) {
      const accuracies = curve(planOf({ seed }), 'train_mean_token_accuracy');
      expect(lastTenth(accuracies)).toBeGreaterThan(firstTenth(accuracies) + 0.1);
      for (const accuracy of accuracies) expect(accuracy).toBeLessThanOrEqual(1);
    }
  });

  it('have noise: a loss can be higher than the previous one', () => {
    const losses = curve(planOf(), 'train_loss');
    const rises = losses.filter((loss, index) => loss > (losses[index - 1] ?? Number.POSITIVE_INFINITY));
    expect(rises.length).toBeGreaterThan(losses.length / 4);
  });

  it('have a higher loss for the validation file than for training', () => {
    for (const seed of SEEDS) {
      const plan = planOf({ seed });
      expect(mean(curve(plan, 'full_valid_loss').slice(-1))).toBeGreaterThan(lastTenth(curve(plan, 'train_loss')));
      expect(lastTenth(curve(plan, 'valid_loss'))).toBeGreaterThan(lastTenth(curve(plan, 'train_loss')));
    }
  });

  it('are numbers of 32 bits with all of their digits', () => {
    for (const value of curve(planOf({ suffix: 'intent-router' }), 'train_loss')) {
      expect(value).toBe(Math.fround(value));
      expect(value).not.toBe(Number(value.toFixed(5)));
    }
  });

  it('have an initial loss of ln 2 for DPO', () => {
    expect(firstTenth(curve(planOf({ suffix: 'code-review' }), 'train_loss'))).toBeCloseTo(Math.LN2, 0);
  });

  it('have a reward that rises for reinforcement', () => {
    for (const seed of SEEDS) {
      const rewards = curve(planOf({ suffix: 'agent-rubric', seed }), 'full_valid_mean_reward');
      expect(rewards.at(-1)).toBeGreaterThan(0.55);
      for (const reward of rewards) expect(reward).toBeLessThanOrEqual(1);
    }
  });

  it('are the same for the same step, in any order of calls', () => {
    const [one, two] = [planOf(), planOf()];
    const late = stepMetrics(one, 200);
    stepMetrics(two, 1);
    expect(stepMetrics(two, 200)).toEqual(late);
  });

  it('differ between jobs, also in the last step', () => {
    expect(stepMetrics(planOf({ seed: 1 }), 240)).not.toEqual(stepMetrics(planOf({ seed: 2 }), 240));
  });
});

describe('noise', () => {
  it('is uniform between -1 and 1 in each series', () => {
    for (const series of [0, 1, 2]) {
      const values = Array.from({ length: 4000 }, (_, step) => noise(7, step, series));
      expect(mean(values)).toBeCloseTo(0, 1);
      expect(Math.min(...values)).toBeGreaterThanOrEqual(-1);
      expect(Math.max(...values)).toBeLessThan(1);
      expect(values.filter((value) => Math.abs(value) > 0.5).length).toBeGreaterThan(1700);
    }
  });

  it('differs between series', () => {
    const pairs = Array.from({ length: 2000 }, (_, step) => noise(7, step, 1) * noise(7, step, 2));
    expect(mean(pairs)).toBeCloseTo(0, 1);
  });
});
