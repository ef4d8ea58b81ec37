import type { ProgressObservation } from '../../watch/poll/followed-job.ts';
import { MAX_READS } from '../../watch/poll/progress-reads.ts';
import { builder } from '../core/builder.ts';
import { cost } from '../core/field-cost.ts';
import { FineTuningJob } from './job.ts';
import { criteriaOf } from './job-filter.ts';
import { FineTuningJobChangeFilter } from './job-subscriptions.ts';
import { FineTuningJobProgress, hasStarted, progressOf } from './progress.ts';

const FineTuningJobProgressChange = builder.objectRef<ProgressObservation>('FineTuningJobProgressChange').implement({
  description: 'The progress of a job after its step has moved, or at the start of a subscription.',
  fields: (t) => ({
    job: t.field({
      type: FineTuningJob,
      nullable: false,
      description: 'The job in the last state that the gateway observed.',
      resolve: ({ job }) => job,
    }),
    progress: t.field({
      type: FineTuningJobProgress,
      description:
        'The progress at this moment, without a further upstream call. Null when the training has not started, or when no step is known.',
      resolve: ({ job, steps }, _args, { now }) =>
        hasStarted(job) ? progressOf(job, steps, Math.floor(now() / 1000)) : null,
    }),
  }),
});

builder.subscriptionFields((t) => ({
  fineTuningJobProgressChanged: t.field({
    type: FineTuningJobProgressChange,
    nullable: false,
    description:
      'The current progress of a job, then its progress whenever its step moves or its status changes. Completes after a terminal status, at once when the job has already ended. The step never moves backward. A slow client can miss steps in between, but always gets the newest one. For all subscribers together, the gateway makes at most one upstream call per interval (POLL_INTERVAL_MS) while the job is RUNNING. Fails with NOT_FOUND when the job does not exist or is deleted.',
    args: { jobId: t.arg.id({ required: true, description: 'The id of the job, such as `ftjob-abc123`.' }) },
    extensions: cost({ calls: 2 }),
    subscribe: (_root, { jobId }, { feeds }) => feeds.progress(jobId),
    resolve: (observation: ProgressObservation) => observation,
  }),
  anyFineTuningJobProgressChanged: t.field({
    type: FineTuningJobProgressChange,
    nullable: false,
    description: `The current progress of all jobs among the newest 1000 that have not ended; then the progress of any of them whenever its step moves or its status changes. New jobs are included. For all subscribers together, the gateway reads the events of at most ${MAX_READS} RUNNING jobs per interval (POLL_INTERVAL_MS): of more jobs, those that were read first. Does not complete; ends with an error when the upstream rejects the API key or the list of jobs. A slow client can miss steps in between, but always gets the newest one of each job.`,
    args: {
      filter: t.arg({
        type: FineTuningJobChangeFilter,
        description: 'Selects jobs by their current state. By default, and when null, all of them.',
      }),
    },
    extensions: cost({ calls: 10 + MAX_READS }),
    subscribe: (_root, { filter }, { feeds }) => feeds.allProgress(criteriaOf(filter ?? {}).matches),
    resolve: (observation: ProgressObservation) => observation,
  }),
}));
