import type { JobChange } from '../../watch/poll/change.ts';
import { builder } from '../core/builder.ts';
import { cost } from '../core/field-cost.ts';
import { jobStatus } from '../core/job-status.ts';
import { MetadataEntryInput } from '../core/metadata.ts';
import { FineTuningJob } from './job.ts';
import { criteriaOf } from './job-filter.ts';
import { methodType } from './method.ts';

const ChangeSource = builder.enumType('ChangeSource', {
  description: 'The way in which the gateway observed the state of a job.',
  values: {
    SNAPSHOT: { value: 'snapshot', description: 'Not a change: the current state at the start of the subscription.' },
    POLL: { value: 'poll', description: 'The gateway polled the upstream for its subscribers.' },
    WEBHOOK: { value: 'webhook', description: 'A webhook of the upstream reported an event of the job.' },
    MUTATION: { value: 'mutation', description: 'A mutation of this gateway changed the job.' },
    QUERY: { value: 'query', description: 'A query read the job through this gateway.' },
  } as const,
});

const FineTuningJobStatusChange = builder.objectRef<JobChange>('FineTuningJobStatusChange').implement({
  description: 'A status change of a job or, when `source` is SNAPSHOT, its current status.',
  fields: (t) => ({
    job: t.field({
      type: FineTuningJob,
      nullable: false,
      description: 'The job after the change.',
      resolve: ({ job }) => job,
    }),
    status: t.field({
      type: jobStatus.type,
      nullable: false,
      description: 'The new status: the status of `job`.',
      resolve: ({ job }) => jobStatus.read(job.status),
    }),
    rawStatus: t.string({
      nullable: false,
      description: '`status` as the upstream spells it, such as `running`.',
      resolve: ({ job }) => job.status,
    }),
    previousStatus: t.field({
      type: jobStatus.type,
      description:
        'The last status that the gateway observed before. A status between two polls is not observed. Null in a snapshot and for a new job.',
      resolve: ({ previous }) => previous && jobStatus.read(previous.status),
    }),
    rawPreviousStatus: t.string({
      description: '`previousStatus` as the upstream spells it, such as `queued`. Null when `previousStatus` is null.',
      resolve: ({ previous }) => previous?.status,
    }),
    observedAt: t.field({
      type: 'UnixTimestamp',
      nullable: false,
      description: 'The time when the gateway observed the change. The change can be older, by one poll interval.',
      resolve: ({ observedAt }) => Math.floor(observedAt / 1000),
    }),
    source: t.field({
      type: ChangeSource,
      nullable: false,
      description: 'The way in which the gateway observed the change.',
      resolve: ({ cause }) => cause,
    }),
  }),
});

const FineTuningJobChangeFilter = builder.inputType('FineTuningJobChangeFilter', {
  description:
    'Selects changes. The job has to match every field that is given, before or after the change: one entry of a list, but all pairs of `metadata`. A field that is null or an empty list matches every change.',
  fields: (t) => ({
    statuses: t.field({
      type: [jobStatus.type],
      description: 'Only changes from or to one of these statuses. UNKNOWN is not accepted.',
    }),
    modelIds: t.idList({
      description: 'Only jobs whose `modelId` is one of these base models, such as `gpt-4.1-mini-2025-04-14`.',
    }),
    methods: t.field({
      type: [methodType.type],
      description: 'Only jobs with one of these training methods. UNKNOWN is not accepted.',
    }),
    metadata: t.field({ type: [MetadataEntryInput], description: 'Only jobs with all of these pairs, at most 16.' }),
    suffix: t.string({ description: 'Only jobs with exactly this suffix.' }),
  }),
});

builder.subscriptionFields((t) => ({
  fineTuningJobStatusChanged: t.field({
    type: FineTuningJobStatusChange,
    nullable: false,
    description:
      'The current status of a job, then each change of its status. Completes when the job ends. A slow client gets the newest status and can miss statuses in between. Fails with NOT_FOUND when the job does not exist or is deleted.',
    args: { jobId: t.arg.id({ required: true, description: 'The id of the job, such as `ftjob-abc123`.' }) },
    extensions: cost({ calls: 1 }),
    subscribe: (_root, { jobId }, { feeds }) => feeds.job(jobId),
    resolve: (change: JobChange) => change,
  }),
  anyFineTuningJobStatusChanged: t.field({
    type: FineTuningJobStatusChange,
    nullable: false,
    description:
      'The current status of every job that has not ended, then each status change of any job. A new job has no `previousStatus`. Does not complete. A slow client gets the newest status of each job and can miss statuses in between.',
    args: {
      filter: t.arg({
        type: FineTuningJobChangeFilter,
        description: 'Selects changes. By default, and when null, all changes.',
      }),
    },
    extensions: cost({ calls: 10 }),
    subscribe: (_root, { filter }, { feeds }) => feeds.jobs(criteriaOf(filter ?? {}).matches),
    resolve: (change: JobChange) => change,
  }),
}));
