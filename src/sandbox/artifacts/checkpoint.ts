import type { CheckpointBody } from '../../upstream/resources/checkpoint.ts';
import type { JobPlan } from '../simulation/job-plan.ts';
import { statusChangedAt } from '../simulation/lifecycle.ts';
import { isEpochEnd, type StepMetrics, stepMetrics } from '../simulation/metrics.ts';
import { createRandom } from '../simulation/random.ts';
import { completedSteps, stepTime, totalSteps } from '../simulation/training-steps.ts';
import { inSeconds } from './job.ts';

/** A model that a job saves during training. */
export interface CheckpointPlan {
  readonly id: string;
  readonly step: number;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  /** The name of the model. */
  readonly model: string;
}

const MAX_CHECKPOINTS = 3;
/** Seconds at speed 1 from a checkpoint to the metrics of its step (docs/upstream.md: Event log). */
const METRICS_DELAY_SECONDS = 15;

const cachedCheckpoints = new WeakMap<JobPlan, readonly CheckpointPlan[]>();

/**
 * The checkpoints of a succeeded job, the first step first. The last one is the fine-tuned model (docs/upstream.md:
 * Checkpoints).
 */
export function finalCheckpoints(plan: JobPlan): readonly CheckpointPlan[] {
  const cached = cachedCheckpoints.get(plan);
  if (cached !== undefined) return cached;
  const steps = checkpointSteps(plan);
  const checkpoints = steps.map((step) => {
    const createdAt = Math.max(stepTime(plan, step) - METRICS_DELAY_SECONDS * plan.secondMs, startOf(plan));
    const { model } = plan.results;
    return { ...planCheckpoint(plan, step, createdAt), ...(step === steps.at(-1) && { model }) };
  });
  cachedCheckpoints.set(plan, checkpoints);
  return checkpoints;
}

/** The checkpoints that exist at `now`, newest first: one per pause, and after a success those of the job. */
export function checkpointsAt(plan: JobPlan, now: number): readonly CheckpointPlan[] {
  const finals = statusChangedAt(plan, 'succeeded', now) === null ? [] : finalCheckpoints(plan);
  const steps = new Set([0, ...finals.map(({ step }) => step)]);
  const atPauses = plan.changes.flatMap(({ status, at }) => {
    const step = status === 'paused' && at <= now ? completedSteps(plan, at) : 0;
    if (steps.has(step)) return [];
    steps.add(step);
    return [planCheckpoint(plan, step, at)];
  });
  return [...finals, ...atPauses].sort((a, b) => b.step - a.step);
}

/** At most three steps: the last epochs, or for reinforcement the evaluations with the highest reward. */
function checkpointSteps(plan: JobPlan): readonly number[] {
  const steps = Array.from({ length: totalSteps(plan) }, (_, index) => index + 1);
  if (plan.method.type !== 'reinforcement')
    return steps.filter((step) => isEpochEnd(plan, step)).slice(-MAX_CHECKPOINTS);
  const rewardOf = (step: number) => stepMetrics(plan, step).full_valid_mean_reward;
  const evaluated = steps.flatMap((step) => {
    const reward = rewardOf(step);
    return reward === undefined ? [] : [{ step, reward }];
  });
  const best = evaluated.sort((a, b) => b.reward - a.reward).slice(0, MAX_CHECKPOINTS);
  return best.map(({ step }) => step).sort((a, b) => a - b);
}

function planCheckpoint(plan: JobPlan, step: number, createdAt: number): CheckpointPlan {
  const random = createRandom(plan.id, 'checkpoint', step);
  const name = plan.results.model.replace(/[^:]*$/, random.text(8)); // Replaces the random part of the job's model.
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
    metrics: { step, ...metricsOf(plan, step), type: plan.method.type },
    step_number: step,
  } satisfies CheckpointBody & { object: string };
}

/** `metrics` also has the undocumented string `type` (docs/upstream.md: Objects). */
function metricsOf(plan: JobPlan, step: number): StepMetrics & { valid_reward_mean?: number } {
  const metrics = stepMetrics(plan, step);
  const reward = metrics.full_valid_mean_reward;
  return { ...metrics, ...(reward !== undefined && { valid_reward_mean: reward }) };
}
