import type { Loaders } from '../../request/loaders.ts';
import type { LogSegment } from '../../store/resources/log-segment.ts';
import { type StepReport, stepReportOf } from '../../upstream/metrics/event-metrics.ts';
import { isTerminal, type Job } from '../../upstream/resources/job.ts';
import { hyperparametersOf, methodOf } from '../../upstream/resources/job-parts.ts';
import { builder } from '../core/builder.ts';
import { cost } from '../core/field-cost.ts';
import { jobStatus } from '../core/job-status.ts';
import { FineTuningJob } from './job.ts';

/** How far a job has come. */
interface Progress {
  readonly step: number | null;
  readonly totalSteps: number | null;
  /** From 0 to 1. */
  readonly fraction: number | null;
  readonly epoch: number | null;
  /** Seconds since the epoch. */
  readonly estimatedFinishAt: number | null;
}

/** As many as a page of `events` has that nobody counts: asked for both, one read serves. */
const NEWEST = 20;

const FineTuningJobProgress = builder.objectRef<Progress>('FineTuningJobProgress').implement({
  description: 'How far a job has come, by the newest step that it told of.',
  fields: (t) => ({
    step: t.exposeInt('step', { description: 'The step that it has made; null when it does not tell.' }),
    totalSteps: t.exposeInt('totalSteps', {
      description: 'How many it will make; null where the server does not tell, as Azure.',
    }),
    fraction: t.exposeFloat('fraction', {
      description: 'How much of the training is done, from 0 to 1; null when that is not known.',
    }),
    epoch: t.exposeFloat('epoch', {
      description: 'How often it has gone through its training file, in parts too; null when that is not known.',
    }),
    estimatedFinishAt: t.expose('estimatedFinishAt', {
      type: 'UnixTimestamp',
      description:
        "When it will be done, by the upstream's own word or else by the pace of its newest steps; null when it does not run or that is not known.",
    }),
  }),
});

builder.objectField(FineTuningJob, 'progress', (t) =>
  t.field({
    type: FineTuningJobProgress,
    description: 'How far it has come, from its newest events; null as long as it has made no step.',
    extensions: cost({ calls: 2 }),
    resolve: async (job, _, { loaders }) => (hasTrained(job) ? progressOf(job, await newestSteps(job, loaders)) : null),
  }),
);

function hasTrained(job: Job): boolean {
  return !['VALIDATING_FILES', 'QUEUED'].includes(jobStatus.read(job.status));
}

/** The newest steps that a job told of, newest first. Behind the last of them come a few other events. */
async function newestSteps(job: Job, loaders: Loaders): Promise<StepReport[]> {
  const run = await loaders.newestEvents(job.id, NEWEST);
  const steps = stepsIn(run, NEWEST); // However many others have asked for: the answer is the same.
  const hasMore = run.items.length > NEWEST || !run.isComplete;
  if (steps.length > 0 || !hasMore) return steps;
  return stepsIn(run.items.length > NEWEST ? run : await loaders.olderEvents(job.id, run), 5 * NEWEST);
}

function stepsIn({ items }: LogSegment, count: number): StepReport[] {
  return items.slice(0, count).flatMap(({ value }) => (value && stepReportOf(value)) ?? []);
}

/** What the newest steps say of a job. `steps` are newest first. */
function progressOf(job: Job, steps: readonly StepReport[]): Progress | null {
  const [last] = steps;
  const isDone = jobStatus.read(job.status) === 'SUCCEEDED';
  if (last === undefined) return isDone ? { ...NOTHING, fraction: 1, epoch: epochsOf(job) } : null;
  const { step, totalSteps } = last;
  const fraction = isDone ? 1 : totalSteps === null ? null : Math.min(1, Math.max(0, step / totalSteps));
  const epochs = epochsOf(job);
  return {
    step,
    totalSteps,
    fraction,
    epoch: fraction === null || epochs === null ? null : fraction * epochs,
    estimatedFinishAt: isTerminal(job) ? null : (job.estimated_finish ?? estimate(job, steps)),
  };
}

const NOTHING: Progress = { step: null, totalSteps: null, fraction: null, epoch: null, estimatedFinishAt: null };

// Jobs tell it twice, and one of the two can still be "auto".
function epochsOf(job: Job): number | null {
  const { supervised, dpo, reinforcement } = methodOf(job) ?? {};
  const told = [
    supervised?.hyperparameters,
    dpo?.hyperparameters,
    reinforcement?.hyperparameters,
    hyperparametersOf(job),
  ];
  return told.map((hyperparameters) => hyperparameters?.n_epochs).find((epochs) => typeof epochs === 'number') ?? null;
}

// By the pace of the newest steps; several of them can share a second.
function estimate(job: Job, steps: readonly StepReport[]): number | null {
  const [last, first] = [steps[0], steps.at(-1)];
  if (jobStatus.read(job.status) !== 'RUNNING' || !last?.totalSteps || !first) return null;
  const [seconds, made] = [last.createdAt - first.createdAt, last.step - first.step];
  if (seconds <= 0 || made <= 0) return null;
  const left = Math.max(0, last.totalSteps - last.step);
  const at = Math.round(last.createdAt + (left * seconds) / made);
  return Number.isSafeInteger(at) ? at : null;
}
