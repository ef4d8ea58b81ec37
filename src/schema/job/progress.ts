import type { Loaders } from '../../request/loaders.ts';
import type { LogSegment } from '../../store/resources/log-segment.ts';
import { type StepReport, stepReportOf } from '../../upstream/metrics/event-metrics.ts';
import { isTerminal, type Job } from '../../upstream/resources/job.ts';
import { hyperparametersOf, methodOf, stepsOf } from '../../upstream/resources/job-parts.ts';
import { builder } from '../core/builder.ts';
import { cost } from '../core/field-cost.ts';
import { jobStatus } from '../core/job-status.ts';
import { FineTuningJob } from './job.ts';

interface Progress {
  readonly step: number | null;
  readonly totalSteps: number | null;
  /** From 0 to 1. */
  readonly fraction: number | null;
  readonly epoch: number | null;
  /** Seconds since 1970. */
  readonly estimatedFinishAt: number | null;
}

/** Number of events to read: the default page of `events`, so that a query for both reads the page once. */
const EVENT_COUNT = 20;

export const FineTuningJobProgress = builder.objectRef<Progress>('FineTuningJobProgress').implement({
  description:
    'The progress of the training of a job, as of the newest step in its events or, on servers that count the steps there, in the job itself.',
  fields: (t) => ({
    step: t.exposeInt('step', {
      description:
        'The last completed step, such as 120. The first step is 1. Null when the upstream does not report it.',
    }),
    totalSteps: t.exposeInt('totalSteps', {
      description:
        'Number of steps of the whole training, such as 240. Null when the upstream does not report it: Azure never does.',
    }),
    fraction: t.exposeFloat('fraction', {
      description:
        'The completed part of the training, from 0 to 1: `step` divided by `totalSteps`, and 1 for a succeeded job. Null when `totalSteps` is null and the job has not succeeded.',
    }),
    epoch: t.exposeFloat('epoch', {
      description:
        'Number of completed epochs, with fractions, such as 1.5. Null when `fraction` is null, or when the number of epochs of the job is not known yet.',
    }),
    estimatedFinishAt: t.expose('estimatedFinishAt', {
      type: 'UnixTimestamp',
      description:
        'The time when the training is expected to end: as the upstream reports it or, for a RUNNING job, estimated from the duration of the newest steps. Never in the past. Null when neither is known, and when the job has ended.',
    }),
  }),
});

builder.objectField(FineTuningJob, 'progress', (t) =>
  t.field({
    type: FineTuningJobProgress,
    description:
      'The progress of the training, computed from the newest events and from the job. Null while the job is VALIDATING_FILES or QUEUED, and when neither the job nor one of the newest 100 events has a step and the job has not succeeded. Costs at most two upstream calls.',
    extensions: cost({ calls: 2 }),
    resolve: async (job, _, { loaders, now }) =>
      hasStarted(job) ? progressOf(job, await newestSteps(job, loaders), Math.floor(now() / 1000)) : null,
  }),
);

export function hasStarted(job: Job): boolean {
  return !['VALIDATING_FILES', 'QUEUED'].includes(jobStatus.read(job.status));
}

/** Returns the newest steps of a job, newest first. The log of an ended job has a few other events after its last step. */
async function newestSteps(job: Job, loaders: Loaders): Promise<StepReport[]> {
  const segment = await loaders.newestEvents(job.id, EVENT_COUNT);
  const steps = reportsOf(segment, EVENT_COUNT); // The segment can be longer; the result must not depend on that.
  const hasMore = segment.items.length > EVENT_COUNT || !segment.isComplete;
  if (steps.length > 0 || !hasMore) return steps;
  const longer = segment.items.length > EVENT_COUNT ? segment : await loaders.olderEvents(job.id, segment);
  return reportsOf(longer, 5 * EVENT_COUNT);
}

function reportsOf({ items }: LogSegment, count: number): StepReport[] {
  return items.slice(0, count).flatMap(({ value }) => (value && stepReportOf(value)) ?? []);
}

/** Computes the progress from the newest steps, newest first. `now` in seconds. */
export function progressOf(job: Job, steps: readonly StepReport[], now: number): Progress | null {
  const hasSucceeded = jobStatus.read(job.status) === 'SUCCEEDED';
  const { step, totalSteps } = lastStep(job, steps);
  if (step === null && !hasSucceeded) return null;
  const fraction = hasSucceeded ? 1 : step === null || totalSteps === null ? null : clamp(step / totalSteps);
  const epochs = epochCount(job);
  return {
    step,
    totalSteps,
    fraction,
    epoch: fraction === null || epochs === null ? null : fraction * epochs,
    estimatedFinishAt: isTerminal(job) ? null : finishOf(job, steps, now),
  };
}

const clamp = (fraction: number) => Math.min(1, Math.max(0, fraction));

/** Returns the last step in the events or in the job itself, whichever is later, and the total that either has. */
function lastStep(job: Job, [last]: readonly StepReport[]): Pick<Progress, 'step' | 'totalSteps'> {
  const { trained_steps: trainedSteps, total_steps: jobTotal } = stepsOf(job);
  const step = last && trainedSteps ? Math.max(last.step, trainedSteps) : (last?.step ?? trainedSteps);
  return { step, totalSteps: last?.totalSteps ?? jobTotal };
}

/** Returns the upstream's estimate unless it has passed, otherwise that of the steps, which is now once it has passed. */
function finishOf(job: Job, steps: readonly StepReport[], now: number): number | null {
  if (job.estimated_finish !== null && job.estimated_finish >= now) return job.estimated_finish;
  const finishAt = estimateFinish(job, steps);
  return finishAt === null ? null : Math.max(finishAt, now);
}

// A job has its hyperparameters twice, and one of the two can still be "auto".
function epochCount(job: Job): number | null {
  const { supervised, dpo, reinforcement } = methodOf(job) ?? {};
  const candidates = [
    supervised?.hyperparameters,
    dpo?.hyperparameters,
    reinforcement?.hyperparameters,
    hyperparametersOf(job),
  ];
  const counts = candidates.map((hyperparameters) => hyperparameters?.n_epochs);
  return counts.find((count) => typeof count === 'number') ?? null;
}

/** Extrapolates from the newest steps. Null when they took no time: several steps can have the same second. */
function estimateFinish(job: Job, steps: readonly StepReport[]): number | null {
  const [last, first] = [steps[0], steps.at(-1)];
  if (jobStatus.read(job.status) !== 'RUNNING' || !last?.totalSteps || !first) return null;
  const seconds = last.createdAt - first.createdAt;
  const stepCount = last.step - first.step;
  if (seconds <= 0 || stepCount <= 0) return null;
  const remainingSteps = Math.max(0, last.totalSteps - last.step);
  const finishAt = Math.round(last.createdAt + (remainingSteps * seconds) / stepCount);
  return Number.isSafeInteger(finishAt) ? finishAt : null;
}
