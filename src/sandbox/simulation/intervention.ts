import type { JobPlan } from './job-plan.ts';
import type { JobStatus, StatusChange } from './lifecycle.ts';
import { createRandom } from './random.ts';
import { ranFor } from './training-steps.ts';

// What somebody does to a job makes another plan of it, the same up to that moment. `now` in ms since the epoch.

/** From these a job can be stopped: all that it does not stay in for good, and in which it is not stopping yet. */
export const CANCELLABLE: readonly JobStatus[] = [
  'validating_files',
  'queued',
  'running',
  'pausing',
  'paused',
  'resuming',
];
export const PAUSABLE: readonly JobStatus[] = ['running'];
export const RESUMABLE: readonly JobStatus[] = ['paused'];

/** How long a job takes to stop, in real seconds. */
const STOPPING = 3;

/** The job that stops now. */
export function cancelled(plan: JobPlan, now: number): JobPlan {
  const end = now + Math.ceil(STOPPING * plan.secondMs);
  return {
    ...plan,
    changes: [...past(plan, now), { status: 'cancelling', at: now }, { status: 'cancelled', at: end }],
  };
}

/** The running job that stops for a while; what it was still to do is held until it is resumed. */
export function paused(plan: JobPlan, now: number): JobPlan {
  const held = plan.changes.filter(({ at }) => at > now).map(({ status, at }) => ({ status, at: at - now }));
  const pausing: StatusChange = { status: 'pausing', at: now };
  return { ...plan, held, changes: [...past(plan, now), pausing, { status: 'paused', at: now + changeMs(plan) }] };
}

/** The paused job that goes on from where it was. */
export function resumed(plan: JobPlan, now: number): JobPlan {
  const { held = restOf(plan), ...rest } = plan;
  const begin = now + changeMs(plan);
  const changes = [
    ...past(plan, now),
    { status: 'resuming', at: now } as const,
    { status: 'running', at: begin } as const,
    ...held.map(({ status, at }) => ({ status, at: begin + at })),
  ];
  return { ...rest, changes };
}

/** The job that still validates its training file when that is deleted (docs/upstream.md: Errors). */
export function withoutTrainingFile(plan: JobPlan, now: number): JobPlan {
  return { ...plan, changes: [{ status: 'failed', at: now }], error: DELETED_TRAINING_FILE };
}

export const DELETED_TRAINING_FILE = {
  code: 'deleted_training_file',
  message: 'The job failed because the training file was deleted',
  param: 'training_file',
};

const past = ({ changes }: JobPlan, now: number) => changes.filter(({ at }) => at <= now);

/** Pausing and resuming take 10 to 40 real seconds each. */
const changeMs = ({ id, changes, secondMs }: JobPlan) =>
  Math.ceil(createRandom(id, 'change', changes.length).between(10, 40) * secondMs);

/** What a job has to do that was paused before anybody could see it run: its training to the end. */
function restOf(plan: JobPlan): readonly StatusChange[] {
  return [{ status: 'succeeded', at: Math.max(plan.trainingMs - ranFor(plan), 0) + 8 * plan.secondMs }];
}
