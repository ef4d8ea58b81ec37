import type { Loaders } from '../../request/loaders.ts';
import { stepReportOf } from '../../upstream/metrics/event-metrics.ts';
import type { JobEvent } from '../../upstream/resources/event.ts';
import { isTerminal, type Job } from '../../upstream/resources/job.ts';
import { builder } from '../core/builder.ts';
import { cost } from '../core/field-cost.ts';
import { jobStatus } from '../core/job-status.ts';
import { FineTuningJob } from './job.ts';

// The REST API reports when a job was created, and when it finished if it succeeded. Its events have the other times.

/** Number of events to read: the default page of `events`, so that a query for both reads the page once. */
const EVENT_COUNT = 20;
/** Maximum pages to read back to the start of a job: events of about 1,000 steps. */
const MAX_PAGES = 10;

/** OpenAI: `Fine-tuning job started`; Azure: `Job started.` */
const STARTED = /\bjob started\b/i;

builder.objectFields(FineTuningJob, (t) => ({
  startedAt: t.field({
    type: 'UnixTimestamp',
    description: `The time when the training started, by the events of the job: that of \`Fine-tuning job started\` or, when all events are read and none says so, that of the first step. Null while the job is VALIDATING_FILES or QUEUED, when no event shows it, and when the event is not among the newest ${100 * MAX_PAGES}. Costs at most ${MAX_PAGES} upstream calls.`,
    extensions: cost({ calls: MAX_PAGES }),
    resolve: (job, _args, { loaders }) => startedAtOf(job, loaders),
  }),
  endedAt: t.field({
    type: 'UnixTimestamp',
    description:
      'The time when the job ended: `finishedAt` or, when that is null, the time of its last event. On OpenAI it is therefore known for failed and cancelled jobs too. Null until the job has ended, and when it has no events. Costs at most one upstream call.',
    extensions: cost({ calls: 1 }),
    resolve: (job, _args, { loaders }) => endedAtOf(job, loaders),
  }),
  durationSeconds: t.int({
    description: `The seconds from \`startedAt\` to \`endedAt\`, such as 750. Null when one of them is null. Costs at most ${MAX_PAGES} upstream calls.`,
    extensions: cost({ calls: MAX_PAGES }),
    resolve: async (job, _args, { loaders }) => {
      if (!isTerminal(job)) return null;
      const [startedAt, endedAt] = await Promise.all([startedAtOf(job, loaders), endedAtOf(job, loaders)]);
      return startedAt === null || endedAt === null ? null : Math.max(0, endedAt - startedAt);
    },
  }),
}));

async function startedAtOf(job: Job, loaders: Loaders): Promise<number | null> {
  if (['VALIDATING_FILES', 'QUEUED'].includes(jobStatus.read(job.status))) return null;
  let segment = await loaders.newestEvents(job.id, EVENT_COUNT);
  for (let pages = 1; ; pages++) {
    const events = segment.items.flatMap(({ value }) => value ?? []);
    const started = events.findLast(({ message }) => STARTED.test(message));
    if (started) return started.created_at;
    if (segment.isComplete) return firstStepAt(events);
    if (pages === MAX_PAGES) return null;
    const longer = await loaders.olderEvents(job.id, segment);
    if (longer.items.length === segment.items.length && !longer.isComplete) return null; // Its items have no ids.
    segment = longer;
  }
}

function firstStepAt(events: readonly JobEvent[]): number | null {
  return events.findLast((event) => stepReportOf(event))?.created_at ?? null;
}

async function endedAtOf(job: Job, loaders: Loaders): Promise<number | null> {
  if (!isTerminal(job)) return null;
  if (job.finished_at !== null) return job.finished_at;
  const { items } = await loaders.newestEvents(job.id, EVENT_COUNT);
  return items.find(({ value }) => value)?.value?.created_at ?? null;
}
