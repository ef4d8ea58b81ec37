import { figure } from './charts.ts';
import type { Job, Point } from './job.ts';
import type { Row } from './job-table.ts';
import { clean } from './text.ts';

/** What people are told of a job's state; the files are what is validated. */
export function statusOf({ status, rawStatus }: Job): string {
  if (status === 'UNKNOWN') return clean(rawStatus);
  return status === 'VALIDATING_FILES' ? 'validating' : status.toLowerCase().replaceAll('_', ' ');
}

/** How much is done, from 0 to 1; null when that is not known. */
export function fractionOf({ job, progress }: Row): number | null {
  return job.status === 'SUCCEEDED' ? 1 : (progress?.fraction ?? null);
}

export const percentOf = (fraction: number | null) => (fraction === null ? '' : `${Math.floor(fraction * 100)} %`);

/** Seconds until a job will be done; null when that is not known. */
export function secondsLeft({ job, progress }: Row, now: number): number | null {
  if (job.isTerminal || progress?.estimatedFinishAt == null) return null;
  return Math.max(0, progress.estimatedFinishAt - now / 1000);
}

/** Suffix, why it failed, base model and id, as far as there are. */
export const titleOf = ({ suffix, error, modelId, id }: Job): string =>
  [suffix ?? '', error?.message ?? '', modelId, id].map(clean).filter(Boolean).join('  ');

/** What the curve is of: the reward of jobs that have one, else the loss. */
export function curveOf({ curve }: Row): { label: 'loss' | 'reward'; values: number[]; last: string } | null {
  const valuesOf = (read: (point: Point) => number | null) => curve.map(read).filter((value) => value !== null);
  const rewards = valuesOf(({ trainMeanReward }) => trainMeanReward);
  const values = rewards.length > 0 ? rewards : valuesOf(({ trainLoss }) => trainLoss);
  const last = values.at(-1);
  return last === undefined ? null : { label: rewards.length > 0 ? 'reward' : 'loss', values, last: figure(last) };
}

/** How a job has ended, in a sentence. */
export function endOf(job: Job): string {
  const name = [job.suffix ?? '', job.suffix === null ? job.id : `(${job.id})`].map(clean).filter(Boolean).join(' ');
  if (job.status === 'SUCCEEDED') return `${name} has succeeded: ${clean(job.fineTunedModelId ?? 'no model is named')}`;
  if (job.status !== 'FAILED') return `${name} has ended: ${statusOf(job)}`;
  return `${name} has failed: ${clean(job.error?.message ?? 'nobody says why')}`;
}
