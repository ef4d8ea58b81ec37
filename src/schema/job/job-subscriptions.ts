import type { JobChange } from '../../watch/poll/change.ts';
import { builder } from '../core/builder.ts';
import { cost } from '../core/field-cost.ts';
import { jobStatus } from '../core/job-status.ts';
import { MetadataEntryInput } from '../core/metadata.ts';
import { FineTuningJob } from './job.ts';
import { criteriaOf } from './job-filter.ts';
import { methodType } from './method.ts';

const ChangeSource = builder.enumType('ChangeSource', {
  description: 'How a state of a job became known.',
  values: {
    SNAPSHOT: { value: 'snapshot', description: 'It is the present state, and no change: it comes first.' },
    POLL: { value: 'poll', description: 'The gateway looked, as somebody follows the job.' },
    WEBHOOK: { value: 'webhook', description: 'The upstream said that something has happened.' },
    MUTATION: { value: 'mutation', description: 'Somebody changed the job through this gateway.' },
    QUERY: { value: 'query', description: 'Somebody asked this gateway for the job.' },
  } as const,
});

const FineTuningJobStatusChange = builder.objectRef<JobChange>('FineTuningJobStatusChange').implement({
  description: 'A job in another state than before, or, when `source` is SNAPSHOT, in the state that it is in.',
  fields: (t) => ({
    job: t.field({
      type: FineTuningJob,
      nullable: false,
      description: 'The job, as it was seen in this state.',
      resolve: ({ job }) => job,
    }),
    status: t.field({
      type: jobStatus.type,
      nullable: false,
      description: 'The status that it has now: that of `job`.',
      resolve: ({ job }) => jobStatus.read(job.status),
    }),
    rawStatus: t.string({
      nullable: false,
      description: '`status` as the upstream spells it.',
      resolve: ({ job }) => job.status,
    }),
    previousStatus: t.field({
      type: jobStatus.type,
      description:
        'The status in which it was seen before; what came and went between two looks was not seen. Null in a snapshot, and of a job that is new.',
      resolve: ({ previous }) => previous && jobStatus.read(previous.status),
    }),
    rawPreviousStatus: t.string({
      description: '`previousStatus` as the upstream spells it.',
      resolve: ({ previous }) => previous?.status,
    }),
    observedAt: t.field({
      type: 'UnixTimestamp',
      nullable: false,
      description: 'When the gateway saw it; it may have happened up to one look earlier.',
      resolve: ({ observedAt }) => Math.floor(observedAt / 1000),
    }),
    source: t.field({
      type: ChangeSource,
      nullable: false,
      description: 'How it became known.',
      resolve: ({ cause }) => cause,
    }),
  }),
});

const FineTuningJobChangeFilter = builder.inputType('FineTuningJobChangeFilter', {
  description:
    'Whose changes. All members that are given have to fit, before the change or after it: of a list one entry is enough, but of `metadata` every pair is needed. An empty list leaves nothing out.',
  fields: (t) => ({
    statuses: t.field({
      type: [jobStatus.type],
      description: 'Of jobs that come into one of these statuses, or leave it; UNKNOWN is refused.',
    }),
    modelIds: t.idList({ description: 'Of jobs made from one of these base models, named as `modelId` names them.' }),
    methods: t.field({
      type: [methodType.type],
      description: 'Of jobs trained by one of these methods; UNKNOWN is refused.',
    }),
    metadata: t.field({ type: [MetadataEntryInput], description: 'Of jobs with all of these pairs of metadata.' }),
    suffix: t.string({ description: 'Of jobs with exactly this suffix.' }),
  }),
});

builder.subscriptionFields((t) => ({
  fineTuningJobStatusChanged: t.field({
    type: FineTuningJobStatusChange,
    nullable: false,
    description:
      'The state of a job, and then each change of its status; completes when it has come to its end. A slow reader gets the newest state, and may miss those between. NOT_FOUND when there is no such job, or when it is deleted.',
    args: { jobId: t.arg.id({ required: true, description: "The job's id." }) },
    extensions: cost({ calls: 1 }),
    subscribe: (_root, { jobId }, { feeds }) => feeds.job(jobId),
    resolve: (change: JobChange) => change,
  }),
  anyFineTuningJobStatusChanged: t.field({
    type: FineTuningJobStatusChange,
    nullable: false,
    description:
      'The state of every job that has not come to its end, and then every change of any job; new ones come with no `previousStatus`. Does not complete by itself. Of each job a slow reader gets the newest state.',
    args: {
      filter: t.arg({
        type: FineTuningJobChangeFilter,
        description: 'Only changes of jobs that fit before or after them; all when left out.',
      }),
    },
    extensions: cost({ calls: 10 }),
    subscribe: (_root, { filter }, { feeds }) => feeds.jobs(criteriaOf(filter ?? {}).matches),
    resolve: (change: JobChange) => change,
  }),
}));
