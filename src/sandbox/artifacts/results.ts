import type { JobPlan } from '../simulation/job-plan.ts';
import { type Measured, measuredAt } from '../simulation/metrics.ts';
import { isOfOldTrainer } from '../simulation/trainer-version.ts';
import { totalSteps } from '../simulation/training-steps.ts';

/** The columns of a results file after `step`, and which metric stands in each. Both generations are in use. */
const OLD_COLUMNS = [
  ['train_loss', 'train_loss'],
  ['train_accuracy', 'train_mean_token_accuracy'],
  ['valid_loss', 'valid_loss'],
  ['valid_mean_token_accuracy', 'valid_mean_token_accuracy'],
] as const;
const NEW_COLUMNS = [
  ['train_loss', 'train_loss'],
  ['train_mean_token_accuracy', 'train_mean_token_accuracy'],
  ['valid_loss', 'valid_loss'],
  ['valid_mean_token_accuracy', 'valid_mean_token_accuracy'],
  ['full_valid_loss', 'full_valid_loss'],
  ['full_valid_mean_token_accuracy', 'full_valid_mean_token_accuracy'],
] as const;
const REWARD_COLUMNS = [
  ['train_mean_reward', 'train_mean_reward'],
  ['valid_mean_reward', 'valid_mean_reward'],
  ['full_valid_mean_reward', 'full_valid_mean_reward'],
] as const;

type Columns = readonly (readonly [name: string, metric: keyof Measured])[];

/** The metrics of all steps as a CSV; the same values as the events have (docs/upstream.md: Results file). */
export function resultsCsv(plan: JobPlan): string {
  const columns = columnsOf(plan);
  const lines = [`step,${columns.map(([name]) => name).join(',')}`];
  for (let step = 1; step <= totalSteps(plan); step += 1) {
    const measured = measuredAt(plan, step);
    lines.push(`${step},${columns.map(([, metric]) => cell(measured[metric])).join(',')}`);
  }
  return `${lines.join('\n')}\n`;
}

function columnsOf(plan: JobPlan): Columns {
  if (plan.method.type === 'reinforcement') return REWARD_COLUMNS;
  return isOfOldTrainer(plan) ? OLD_COLUMNS : NEW_COLUMNS;
}

/** A number as Python writes it: `1.0`, and `6e-05` below a ten-thousandth. */
function cell(value: number | undefined): string {
  if (value === undefined) return '';
  if (value !== 0 && value < 1e-4) return value.toExponential().replace(/e-(\d)$/, 'e-0$1');
  return Number.isInteger(value) ? value.toFixed(1) : String(value);
}
