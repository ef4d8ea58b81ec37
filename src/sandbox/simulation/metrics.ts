import type { Metric } from '../../upstream/metrics/metrics.ts';
import type { JobPlan } from './job-plan.ts';
import { noise } from './noise.ts';
import { stepsOfEpoch, totalSteps } from './training-steps.ts';

/** What a step has measured, by the names of docs/upstream.md: Metrics events; absent where nothing was. */
export type Measured = Readonly<Partial<Record<Metric | 'full_valid_mean_parse_error', number>>>;

/** The same for the same plan and step, and worked out without any other step. */
export function measuredAt(plan: JobPlan, step: number): Measured {
  return plan.method.type === 'reinforcement' ? rewards(plan, step) : losses(plan, step);
}

/** Whether a step ends an epoch. */
export const isEpochEnd = (plan: JobPlan, step: number) => step % stepsOfEpoch(plan) === 0;

/** Whether a step is measured on the validation file too, and on the whole of it. */
function validationAt(plan: JobPlan, step: number): 'none' | 'part' | 'full' {
  if (plan.validationFile === null) return 'none';
  const isLast = step === totalSteps(plan);
  if (plan.method.type === 'reinforcement')
    return isLast || step % plan.method.resolved.eval_interval === 0 ? 'full' : 'none';
  if (isLast || isEpochEnd(plan, step)) return 'full';
  return step % 10 === 0 ? 'part' : 'none';
}

/** Falls fast, then slowly, from `start` to the plan's final loss; on the validation file it ends higher. */
function losses(plan: JobPlan, step: number): Measured {
  const done = fallAt(step / totalSteps(plan));
  // The pairs of DPO begin undecided, at ln 2.
  const start = plan.method.type === 'dpo' ? Math.LN2 : 2.1 + 0.5 * noise(plan.seed, 0, 0);
  const smooth = start ** (1 - done) * plan.finalLoss ** done;
  const unseen = smooth * (1.12 + 0.25 * done) + 0.02 * done;
  const near = (loss: number, spread: number, series: number) => loss * (1 + spread * noise(plan.seed, step, series));

  const validation = validationAt(plan, step);
  const valid = near(unseen, 0.1, 2);
  const fullValid = near(unseen, 0.01, 3);
  return {
    ...lossAndAccuracy(['train_loss', 'train_mean_token_accuracy'], near(smooth, 0.2, 1)),
    ...(validation !== 'none' && lossAndAccuracy(['valid_loss', 'valid_mean_token_accuracy'], valid)),
    ...(validation === 'full' && lossAndAccuracy(['full_valid_loss', 'full_valid_mean_token_accuracy'], fullValid)),
  };
}

function lossAndAccuracy(names: readonly [Metric, Metric], loss: number): Measured {
  return { [names[0]]: fiveDecimals(loss), [names[1]]: fiveDecimals(Math.exp(-0.35 * loss)) };
}

/** Rises to a plan's own best; an evaluation scores a little below, and fewer answers of it cannot be read. */
function rewards(plan: JobPlan, step: number): Measured {
  const done = fallAt(step / totalSteps(plan));
  const first = 0.3 + 0.1 * noise(plan.seed, 0, 0);
  const best = 0.8 + 0.1 * noise(plan.seed, 0, 1);
  const smooth = first + (best - first) * done;
  const near = (spread: number, series: number) => fiveDecimals(smooth + spread * noise(plan.seed, step, series));
  if (validationAt(plan, step) === 'none') return { train_mean_reward: near(0.08, 2) };
  const parseError = fiveDecimals(0.06 * (1 - done) * (1 + noise(plan.seed, step, 4)));
  const [valid, fullValid] = [near(0.05, 5), near(0.03, 3)];
  return {
    train_mean_reward: near(0.08, 2),
    valid_mean_reward: valid,
    full_valid_mean_reward: fullValid,
    full_valid_mean_parse_error: parseError,
  };
}

const fallAt = (done: number) => (1 - Math.exp(-4 * done)) / (1 - Math.exp(-4));
export const fiveDecimals = (value: number) => Math.round(value * 1e5) / 1e5;
