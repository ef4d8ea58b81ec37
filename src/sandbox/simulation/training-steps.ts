import type { JobPlan } from './job-plan.ts';
import type { Lifecycle } from './lifecycle.ts';

/** Steps of one pass over all examples (docs/upstream.md: Metrics events). */
export const stepsPerEpoch = ({ examples, method }: JobPlan) => Math.ceil(examples / method.resolved.batch_size);

export const totalSteps = (plan: JobPlan) => stepsPerEpoch(plan) * plan.method.resolved.n_epochs;

/** Time before the first step, in seconds at speed 1, but at most this part of the training time. */
const WARM_UP = { seconds: 60, part: 0.08 };

/**
 * When the metrics of a step are emitted, in milliseconds since the epoch; Infinity when the job stops before. Up to
 * three steps have the same time, as real ones often share a second (docs/upstream.md: Lists and cursors). The long
 * steps of reinforcement have different times.
 */
export function stepTime(plan: JobPlan, step: number): number {
  const groupSize = plan.method.type === 'reinforcement' ? 1 : 3;
  const total = totalSteps(plan);
  const done = Math.min(Math.ceil(step / groupSize) * groupSize, total) / total;
  const warmUp = Math.min(WARM_UP.seconds * plan.secondMs, WARM_UP.part * plan.trainingMs);
  return timeAfterRunning(plan, warmUp + (plan.trainingMs - warmUp) * done);
}

/** The number of steps whose metrics are emitted by `now`. */
export function completedSteps(plan: JobPlan, now: number): number {
  let [min, max] = [0, totalSteps(plan)];
  while (min < max) {
    const middle = Math.ceil((min + max) / 2);
    if (stepTime(plan, middle) <= now) min = middle;
    else max = middle - 1;
  }
  return min;
}

/** Total milliseconds in the status `running`, up to the last status change. */
export function runningMs({ changes }: Lifecycle): number {
  return changes.reduce((sum, { status, at }, index) => {
    const next = changes[index + 1];
    return status === 'running' && next ? sum + next.at - at : sum;
  }, 0);
}

/** When a job has been running for `ms` in total; Infinity when it stops before. */
function timeAfterRunning({ changes }: Lifecycle, ms: number): number {
  let left = ms;
  for (const [index, { status, at }] of changes.entries()) {
    if (status !== 'running') continue;
    const duration = (changes[index + 1]?.at ?? Number.POSITIVE_INFINITY) - at;
    if (left <= duration) return at + left;
    left -= duration;
  }
  return Number.POSITIVE_INFINITY;
}
