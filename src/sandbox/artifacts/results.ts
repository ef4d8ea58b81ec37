import type { JobPlan } from '../simulation/job-plan.ts';
import { type StepMetrics, stepMetrics } from '../simulation/metrics.ts';
import { usesLegacyTrainer } from '../simulation/trainer-version.ts';
import { totalSteps } from '../simulation/training-steps.ts';

/** The columns of a results file after `step`, with their metrics. */
const LEGACY_COLUMNS = [
  ['train_loss', 'train_loss'],
  ['train_accuracy', 'train_mean_token_accuracy'],
  ['valid_loss', 'valid_loss'],
  ['valid_mean_token_accuracy', 'valid_mean_token_accuracy'],
] as const;
const COLUMNS = [
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

type Columns = readonly (readonly [name: string, metric: keyof StepMetrics])[];

/** The metrics of all steps as CSV: the values of the events with five decimals (docs/upstream.md: Results file). */
export function resultsCsv(plan: JobPlan): string {
  const columns = columnsOf(plan);
  const rows = [`step,${columns.map(([name]) => name).join(',')}`];
  for (let step = 1; step <= totalSteps(plan); step += 1) {
    const metrics = stepMetrics(plan, step);
    rows.push(`${step},${columns.map(([, metric]) => formatCell(metrics[metric])).join(',')}`);
  }
  return `${rows.join('\n')}\n`;
}

function columnsOf(plan: JobPlan): Columns {
  if (plan.method.type === 'reinforcement') return REWARD_COLUMNS;
  return usesLegacyTrainer(plan) ? LEGACY_COLUMNS : COLUMNS;
}

/** Formats a number as Python does: `1.0`, and `6e-05` below 0.0001. */
function formatCell(metric: number | undefined): string {
  if (metric === undefined) return '';
  const value = Math.round(metric * 1e5) / 1e5;
  if (value !== 0 && value < 1e-4) return value.toExponential().replace(/e-(\d)$/, 'e-0$1');
  return Number.isInteger(value) ? value.toFixed(1) : String(value);
}
