import type { MetricsSeries } from '../../upstream/metrics/metrics.ts';
import { type Added, type AddedItem, requireReadable } from '../../watch/streams/event-stream.ts';
import { builder } from '../core/builder.ts';
import { cost } from '../core/field-cost.ts';
import { FineTuningJob } from '../job/job.ts';
import { pointAt } from './metrics.ts';
import { FineTuningJobMetricsPoint } from './metrics-point.ts';

const FineTuningJobMetricsAdded = builder.objectRef<AddedItem<MetricsSeries>>('FineTuningJobMetricsAdded').implement({
  description: 'The metrics of a new step of a job.',
  fields: (t) => ({
    job: t.field({
      type: FineTuningJob,
      nullable: false,
      description: 'The job in the last state that the gateway observed.',
      resolve: ({ job }) => job,
    }),
    point: t.field({
      type: FineTuningJobMetricsPoint,
      nullable: false,
      description: 'The metrics. To continue after a broken connection, pass their `step` as `sinceStep`.',
      resolve: ({ value }) => pointAt(value, 0),
    }),
  }),
});

builder.subscriptionField('fineTuningJobMetricsAdded', (t) =>
  t.field({
    type: FineTuningJobMetricsAdded,
    nullable: false,
    description:
      'The metrics of the new steps of a job, in their order. Completes after the last step. Delivers each step exactly once, also to a slow client. Fails with NOT_FOUND when the job does not exist or is deleted.',
    args: {
      jobId: t.arg.id({ required: true, description: 'The id of the job, such as `ftjob-abc123`.' }),
      sinceStep: t.arg.int({
        description:
          'The stream starts after this step; 0 starts with the first step. By default, and when null, it starts with the next new step.',
      }),
    },
    extensions: cost({ calls: 2 }),
    subscribe: (_root, { jobId, sinceStep }, { feeds }) => feeds.metrics(jobId, sinceStep ?? null),
    resolve: (added: Added<MetricsSeries>) => requireReadable(added),
  }),
);
