import type { CheckpointBody } from '../../upstream/resources/checkpoint.ts';
import { inSeconds, type JobPlan } from '../simulation/job-plan.ts';
import { statusChangedAt } from '../simulation/lifecycle.ts';
import { isEpochEnd, type Measured, measuredAt } from '../simulation/metrics.ts';
import { createRandom } from '../simulation/random.ts';
import { stepAt, stepsAt, totalSteps } from '../simulation/training-steps.ts';

/** A model that a job saves on its way. */
export interface CheckpointPlan {
  readonly id: string;
  readonly step: number;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  /** The name of the model. */
  readonly model: string;
}

/** How many a job keeps. */
const KEPT = 3;
/** The metrics of a step come out so much later than its model is saved, in real seconds (docs/upstream.md: Event log). */
const LATENESS = 15;

const finals = new WeakMap<JobPlan, readonly CheckpointPlan[]>();

/** What a job keeps when it succeeds, the first step first; the last one is the job's model itself (docs/upstream.md: Checkpoints). */
export function finalCheckpoints(plan: JobPlan): readonly CheckpointPlan[] {
  const known = finals.get(plan);
  if (known !== undefined) return known;
  const steps = keptSteps(plan);
  const checkpoints = steps.map((step) => {
    const createdAt = Math.max(stepAt(plan, step) - LATENESS * plan.secondMs, startOf(plan));
    const { model } = plan.yields;
    return { ...planCheckpoint(plan, step, createdAt), ...(step === steps.at(-1) && { model }) };
  });
  finals.set(plan, checkpoints);
  return checkpoints;
}

/** The checkpoints that are there at `now`, newest first: that of each pause, and after success those of the job. */
export function checkpointsAt(plan: JobPlan, now: number): readonly CheckpointPlan[] {
  const finals = statusChangedAt(plan, 'succeeded', now) === null ? [] : finalCheckpoints(plan);
  const known = new Set([0, ...finals.map(({ step }) => step)]);
  const atPauses = plan.changes.flatMap(({ status, at }) => {
    const step = status === 'paused' && at <= now ? stepsAt(plan, at) : 0;
    if (known.has(step)) return [];
    known.add(step);
    return [planCheckpoint(plan, step, at)];
  });
  return [...finals, ...atPauses].sort((a, b) => b.step - a.step);
}

/** Three at most: the last epochs, or for reinforcement the evaluations with the highest reward. */
function keptSteps(plan: JobPlan): readonly number[] {
  const steps = Array.from({ length: totalSteps(plan) }, (_, index) => index + 1);
  if (plan.method.type !== 'reinforcement') return steps.filter((step) => isEpochEnd(plan, step)).slice(-KEPT);
  const rewardOf = (step: number) => measuredAt(plan, step).full_valid_mean_reward;
  const evaluated = steps.flatMap((step) => {
    const reward = rewardOf(step);
    return reward === undefined ? [] : [{ step, reward }];
  });
  const best = evaluated.sort((a, b) => b.reward - a.reward).slice(0, KEPT);
  return best.map(({ step }) => step).sort((a, b) => a - b);
}

function planCheckpoint(plan: JobPlan, step: number, createdAt: number): CheckpointPlan {
  const random = createRandom(plan.id, 'checkpoint', step);
  const name = plan.yields.model.replace(/[^:]*$/, random.text(8)); // Its own random part in place of the job's.
  return { id: `ftckpt_${random.text(24)}`, step, createdAt, model: `${name}:ckpt-step-${step}` };
}

const startOf = ({ changes, createdAt }: JobPlan) =>
  changes.find(({ status }) => status === 'running')?.at ?? createdAt;

export function checkpointBody(plan: JobPlan, { id, step, createdAt, model }: CheckpointPlan) {
  return {
    object: 'fine_tuning.job.checkpoint' as const,
    id,
    created_at: inSeconds(createdAt),
    fine_tuned_model_checkpoint: model,
    fine_tuning_job_id: plan.id,
    step_number: step,
    metrics: { step, ...metricsOf(plan, step), type: plan.method.type },
  } satisfies CheckpointBody & { object: string };
}

/** Under `metrics` stands a string too, `type`, that no schema declares (docs/upstream.md: Objects). */
function metricsOf(plan: JobPlan, step: number): Measured & { valid_reward_mean?: number } {
  const measured = measuredAt(plan, step);
  const reward = measured.full_valid_mean_reward;
  return { ...measured, ...(reward !== undefined && { valid_reward_mean: reward }) };
}
