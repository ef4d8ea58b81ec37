import { figure } from './charts.ts';
import type { Job, Point } from './job.ts';
import type { Row } from './job-table.ts';
import { clean } from './text.ts';

/** Display name of a job's status. */
export function statusOf({ status, rawStatus }: Job): string {
  if (status === 'UNKNOWN') return clean(rawStatus);
  return status === 'VALIDATING_FILES' ? 'validating' : status.toLowerCase().replaceAll('_', ' ');
}

/** Progress from 0 to 1, or null when it is unknown. */
export function fractionOf({ job, progress }: Row): number | null {
  return job.status === 'SUCCEEDED' ? 1 : (progress?.fraction ?? null);
}

export const percentOf = (fraction: number | null) => (fraction === null ? '' : `${Math.floor(fraction * 100)} %`);

/** Estimated seconds until the job ends, or null when unknown. `now` is in milliseconds. */
export function secondsLeft({ job, progress }: Row, now: number): number | null {
  if (job.isTerminal || progress?.estimatedFinishAt == null) return null;
  return Math.max(0, progress.estimatedFinishAt - now / 1000);
}

/** Suffix, error message, base model and id; without those that are missing. */
export const titleOf = ({ suffix, error, modelId, id }: Job): string =>
  [suffix ?? '', error?.message ?? '', modelId, id].map(clean).filter(Boolean).join('  ');

/** The reward curve if the job has one, else the loss curve; null without points. */
export function curveOf({ curve }: Row): { label: 'loss' | 'reward'; values: number[]; last: string } | null {
  const valuesOf = (read: (point: Point) => number | null) => curve.map(read).filter((value) => value !== null);
  const rewards = valuesOf(({ trainMeanReward }) => trainMeanReward);
  const values = rewards.length > 0 ? rewards : valuesOf(({ trainLoss }) => trainLoss);
  const last = values.at(-1);
  return last === undefined ? null : { label: rewards.length > 0 ? 'reward' : 'loss', values, last: figure(last) };
}

/** One sentence about an ended job. */
export function endOf(job: Job): string {
  const name = [job.suffix ?? '', job.suffix === null ? job.id : `(${job.id})`].map(clean).filter(Boolean).join(' ');
  if (job.status === 'SUCCEEDED') return `${name} succeeded: ${clean(job.fineTunedModelId ?? 'without a model name')}`;
  if (job.status !== 'FAILED') return `${name} ended: ${statusOf(job)}`;
  return `${name} failed: ${clean(job.error?.message ?? 'without an error message')}`;
}
