import type { JobChange } from '../../watch/poll/change.ts';
import { builder } from '../core/builder.ts';
import { cost } from '../core/field-cost.ts';
import { jobStatus } from '../core/job-status.ts';
import { MetadataEntryInput } from '../core/metadata.ts';
import { methodType } from '../core/method-type.ts';
import { FineTuningJob } from './job.ts';
import { criteriaOf } from './job-filter.ts';

const ChangeSource = builder.enumType('ChangeSource', {
  description: 'How the gateway observed the status of a job.',
  values: {
    SNAPSHOT: {
      value: 'snapshot',
      description:
        'Not a change: the current status of a job, at the start of the subscription or when the gateway finds another job that has not ended.',
    },
    POLL: { value: 'poll', description: 'The gateway polled the upstream for the subscribers of the job.' },
    WEBHOOK: {
      value: 'webhook',
      description: 'A webhook of the upstream announced a change, and the gateway then read the job.',
    },
    MUTATION: { value: 'mutation', description: 'A mutation of this gateway created or changed the job.' },
    QUERY: { value: 'query', description: 'A query of any caller read the job through this gateway.' },
  } as const,
});

const FineTuningJobStatusChange = builder.objectRef<JobChange>('FineTuningJobStatusChange').implement({
  description: 'A status change of a job or, when `source` is SNAPSHOT, its current status.',
  fields: (t) => ({
    job: t.field({
      type: FineTuningJob,
      nullable: false,
      description: 'The job after the change: the observation that has the new status.',
      resolve: ({ job }) => job,
    }),
    status: t.field({
      type: jobStatus.type,
      nullable: false,
      description: 'The new status, equal to the status of `job`. In a snapshot, the current status.',
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
        'The status that the gateway observed before. The job can have had other statuses in between, which no poll observed. Null in a snapshot and for a new job.',
      resolve: ({ previous }) => previous && jobStatus.read(previous.status),
    }),
    rawPreviousStatus: t.string({
      description: '`previousStatus` as the upstream spells it, such as `queued`. Null when `previousStatus` is null.',
      resolve: ({ previous }) => previous?.status,
    }),
    observedAt: t.field({
      type: 'UnixTimestamp',
      nullable: false,
      description:
        'The time when the gateway observed the status. The change itself can be older, at most by the time since the last poll: usually 2 to 15 seconds, and up to 60 seconds for a paused job.',
      resolve: ({ observedAt }) => Math.floor(observedAt / 1000),
    }),
    source: t.field({
      type: ChangeSource,
      nullable: false,
      description: 'How the gateway observed the status. SNAPSHOT when this is not a change.',
      resolve: ({ cause }) => cause,
    }),
  }),
});

export const FineTuningJobChangeFilter = builder.inputType('FineTuningJobChangeFilter', {
  description:
    'Selects changes and snapshots. The job has to match all fields that are given, either before or after the change. It matches a list when it matches one entry, but `metadata` only when it has all pairs. A field that is missing, null or an empty list matches all jobs.',
  fields: (t) => ({
    statuses: t.field({
      type: [jobStatus.type],
      description:
        'Only changes from or to one of these statuses, such as `[FAILED, SUCCEEDED]`. UNKNOWN is not accepted.',
    }),
    modelIds: t.idList({
      description:
        'Only jobs whose `modelId` is one of these ids, such as `["gpt-4.1-mini-2025-04-14"]`. An alias such as `gpt-4.1-mini` does not match the id that it was resolved to.',
    }),
    methods: t.field({
      type: [methodType.type],
      description:
        'Only jobs with one of these training methods, such as `[SUPERVISED]`. A job whose `method` is null does not match. UNKNOWN is not accepted.',
    }),
    metadata: t.field({
      type: [MetadataEntryInput],
      description:
        'Only jobs with all of these pairs, such as `[{key: "team", value: "support"}]`. At most 16 pairs, each key once.',
    }),
    suffix: t.string({ description: 'Only jobs whose `suffix` is exactly this string, such as `support-bot`.' }),
  }),
});

builder.subscriptionFields((t) => ({
  fineTuningJobStatusChanged: t.field({
    type: FineTuningJobStatusChange,
    nullable: false,
    description:
      'The current status of a job as a snapshot, then each change of its status. Completes after a terminal status, at once when the job has already ended. A slow client can miss statuses in between, but always gets the newest one. Fails with NOT_FOUND when the job does not exist or is deleted.',
    args: { jobId: t.arg.id({ required: true, description: 'The id of the job, such as `ftjob-abc123`.' }) },
    extensions: cost({ calls: 1 }),
    subscribe: (_root, { jobId }, { feeds }) => feeds.job(jobId),
    resolve: (change: JobChange) => change,
  }),
  anyFineTuningJobStatusChanged: t.field({
    type: FineTuningJobStatusChange,
    nullable: false,
    description:
      'The current status of all jobs among the newest 1000 that have not ended, as snapshots; then each status change of any job. New jobs are included; their first change has no `previousStatus`. Does not complete; ends with an error when the upstream rejects the API key or the list of jobs. A slow client can miss statuses in between, but always gets the newest one of each job.',
    args: {
      filter: t.arg({
        type: FineTuningJobChangeFilter,
        description: 'Selects changes and snapshots. By default, and when null, all of them.',
      }),
    },
    extensions: cost({ calls: 10 }),
    subscribe: (_root, { filter }, { feeds }) => feeds.jobs(criteriaOf(filter ?? {}).matches),
    resolve: (change: JobChange) => change,
  }),
}));
