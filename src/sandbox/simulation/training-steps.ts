import type { JobPlan } from './job-plan.ts';
import type { Lifecycle } from './lifecycle.ts';

/** Steps after which the job has seen each example once (docs/upstream.md: Metrics events). */
export const stepsOfEpoch = ({ examples, method }: JobPlan) => Math.ceil(examples / method.resolved.batch_size);

export const totalSteps = (plan: JobPlan) => stepsOfEpoch(plan) * plan.method.resolved.n_epochs;

/** What goes by before the first step: so many real seconds, but no more than this part of the training. */
const WARM_UP = { seconds: 60, part: 0.08 };

/**
 * When the metrics of a step come out, ms since the epoch; Infinity when they never do. Up to three steps come out
 * together, as real ones often share a second (docs/upstream.md: Lists and cursors); the long steps of reinforcement come alone.
 */
export function stepAt(plan: JobPlan, step: number): number {
  const together = plan.method.type === 'reinforcement' ? 1 : 3;
  const total = totalSteps(plan);
  const done = Math.min(Math.ceil(step / together) * together, total) / total;
  const warmUp = Math.min(WARM_UP.seconds * plan.secondMs, WARM_UP.part * plan.trainingMs);
  return momentOf(plan, warmUp + (plan.trainingMs - warmUp) * done);
}

/** How many steps have come out at `now`. */
export function stepsAt(plan: JobPlan, now: number): number {
  let [least, most] = [0, totalSteps(plan)];
  while (least < most) {
    const middle = Math.ceil((least + most) / 2);
    if (stepAt(plan, middle) <= now) least = middle;
    else most = middle - 1;
  }
  return least;
}

/** How many ms a job has run in all when it has taken its last turn. */
export function ranFor({ changes }: Lifecycle): number {
  return changes.reduce((sum, { status, at }, index) => {
    const next = changes[index + 1];
    return status === 'running' && next ? sum + next.at - at : sum;
  }, 0);
}

/** When a job has been running for so many ms in all; Infinity when it stops before. */
function momentOf({ changes }: Lifecycle, ran: number): number {
  let left = ran;
  for (const [index, { status, at }] of changes.entries()) {
    if (status !== 'running') continue;
    const lasts = (changes[index + 1]?.at ?? Number.POSITIVE_INFINITY) - at;
    if (left <= lasts) return at + left;
    left -= lasts;
  }
  return Number.POSITIVE_INFINITY;
}
