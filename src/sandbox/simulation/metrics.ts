import type { Metric } from '../../upstream/metrics/metrics.ts';
import type { JobPlan } from './job-plan.ts';
import { noise } from './noise.ts';
import { stepsPerEpoch, totalSteps } from './training-steps.ts';

/** The metrics of a step (docs/upstream.md: Metrics events). Metrics that the step does not measure are absent. */
export type StepMetrics = Readonly<Partial<Record<Metric | 'full_valid_mean_parse_error', number>>>;

/** Computes the metrics of a step from the plan alone, independent of other steps. */
export function stepMetrics(plan: JobPlan, step: number): StepMetrics {
  return plan.method.type === 'reinforcement' ? rewards(plan, step) : losses(plan, step);
}

/** Whether a step ends an epoch. */
export const isEpochEnd = (plan: JobPlan, step: number) => step % stepsPerEpoch(plan) === 0;

/** The part of the validation file that a step is measured on. */
function validationOf(plan: JobPlan, step: number): 'none' | 'partial' | 'full' {
  if (plan.validationFile === null) return 'none';
  const isLast = step === totalSteps(plan);
  if (plan.method.type === 'reinforcement')
    return isLast || step % plan.method.resolved.eval_interval === 0 ? 'full' : 'none';
  if (isLast || isEpochEnd(plan, step)) return 'full';
  return step % 10 === 0 ? 'partial' : 'none';
}

/** Decays exponentially from the initial loss to the plan's final loss. The validation loss ends higher. */
function losses(plan: JobPlan, step: number): StepMetrics {
  const done = progressAt(step / totalSteps(plan));
  // Before training, both answers of a DPO pair are equally likely: ln 2.
  const initial = plan.method.type === 'dpo' ? Math.LN2 : 2.1 + 0.5 * noise(plan.seed, 0, 0);
  const smooth = initial ** (1 - done) * plan.finalLoss ** done;
  const smoothValid = smooth * (1.12 + 0.25 * done) + 0.02 * done;
  const noisy = (loss: number, spread: number, series: number) => loss * (1 + spread * noise(plan.seed, step, series));

  const validation = validationOf(plan, step);
  const valid = noisy(smoothValid, 0.1, 2);
  const fullValid = noisy(smoothValid, 0.01, 3);
  return {
    ...lossAndAccuracy(['train_loss', 'train_mean_token_accuracy'], noisy(smooth, 0.2, 1)),
    ...(validation !== 'none' && lossAndAccuracy(['valid_loss', 'valid_mean_token_accuracy'], valid)),
    ...(validation === 'full' && lossAndAccuracy(['full_valid_loss', 'full_valid_mean_token_accuracy'], fullValid)),
  };
}

function lossAndAccuracy(names: readonly [Metric, Metric], loss: number): StepMetrics {
  // Recorded values are numbers of 32 bits with all of their digits (docs/upstream.md: Metrics events).
  return { [names[0]]: Math.fround(loss), [names[1]]: Math.fround(Math.exp(-0.35 * loss)) };
}

/** Rewards rise to a maximum of the plan; parse errors become fewer. */
function rewards(plan: JobPlan, step: number): StepMetrics {
  const done = progressAt(step / totalSteps(plan));
  const initial = 0.3 + 0.1 * noise(plan.seed, 0, 0);
  const final = 0.8 + 0.1 * noise(plan.seed, 0, 1);
  const smooth = initial + (final - initial) * done;
  const noisy = (spread: number, series: number) => smooth + spread * noise(plan.seed, step, series);
  if (validationOf(plan, step) === 'none') return { train_mean_reward: noisy(0.08, 2) };
  const parseError = 0.06 * (1 - done) * (1 + noise(plan.seed, step, 4));
  const [valid, fullValid] = [noisy(0.05, 5), noisy(0.03, 3)];
  return {
    train_mean_reward: noisy(0.08, 2),
    valid_mean_reward: valid,
    full_valid_mean_reward: fullValid,
    full_valid_mean_parse_error: parseError,
  };
}

/** Exponential approach from 0 to 1. */
const progressAt = (fraction: number) => (1 - Math.exp(-4 * fraction)) / (1 - Math.exp(-4));
