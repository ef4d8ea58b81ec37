import type { JobPlan } from './job-plan.ts';
import type { JobStatus, StatusChange } from './lifecycle.ts';
import { createRandom } from './random.ts';
import { runningMs } from './training-steps.ts';

// Each intervention of a client returns a new plan of the job, equal to the old one up to `now` (ms since the epoch).

/** Statuses in which a job can be cancelled. */
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

/** Seconds at speed 1 from the cancellation to the status `cancelled`. */
const CANCELLING_SECONDS = 3;

export function cancelPlan(plan: JobPlan, now: number): JobPlan {
  const end = now + Math.ceil(CANCELLING_SECONDS * plan.secondMs);
  return {
    ...plan,
    changes: [...pastChanges(plan, now), { status: 'cancelling', at: now }, { status: 'cancelled', at: end }],
  };
}

/** Pauses a running job. Its remaining changes wait until it is resumed. */
export function pausePlan(plan: JobPlan, now: number): JobPlan {
  const future = plan.changes.filter(({ at }) => at > now);
  return {
    ...plan,
    remainingChanges: future.map(({ status, at }) => ({ status, at: at - now })),
    changes: [
      ...pastChanges(plan, now),
      { status: 'pausing', at: now },
      { status: 'paused', at: now + transitionMs(plan) },
    ],
  };
}

export function resumePlan(plan: JobPlan, now: number): JobPlan {
  const { remainingChanges = remainingTraining(plan), ...rest } = plan;
  const runningAt = now + transitionMs(plan);
  const changes = [
    ...pastChanges(plan, now),
    { status: 'resuming', at: now } as const,
    { status: 'running', at: runningAt } as const,
    ...remainingChanges.map(({ status, at }) => ({ status, at: runningAt + at })),
  ];
  return { ...rest, changes };
}

/** Fails a job whose training file is deleted while it validates the file (docs/upstream.md: Errors). */
export function failForDeletedFile(plan: JobPlan, now: number): JobPlan {
  return { ...plan, changes: [{ status: 'failed', at: now }], error: DELETED_TRAINING_FILE };
}

export const DELETED_TRAINING_FILE = {
  code: 'deleted_training_file',
  message: 'The job failed because the training file was deleted',
  param: 'training_file',
};

const pastChanges = ({ changes }: JobPlan, now: number) => changes.filter(({ at }) => at <= now);

/** Pausing and resuming take 10 to 40 seconds each, at speed 1. */
const transitionMs = ({ id, changes, secondMs }: JobPlan) =>
  Math.ceil(createRandom(id, 'change', changes.length).between(10, 40) * secondMs);

/** The remaining changes of a job of the seed that was created paused: it trains to the end. */
function remainingTraining(plan: JobPlan): readonly StatusChange[] {
  return [{ status: 'succeeded', at: Math.max(plan.trainingMs - runningMs(plan), 0) + 8 * plan.secondMs }];
}
