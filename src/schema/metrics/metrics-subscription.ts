import type { MetricsSeries } from '../../upstream/metrics/metrics.ts';
import { type Added, type AddedItem, requireReadable } from '../../watch/streams/event-stream.ts';
import { builder } from '../core/builder.ts';
import { cost } from '../core/field-cost.ts';
import { FineTuningJob } from '../job/job.ts';
import { pointAt } from './metrics.ts';
import { FineTuningJobMetricsPoint } from './metrics-point.ts';

const FineTuningJobMetricsAdded = builder.objectRef<AddedItem<MetricsSeries>>('FineTuningJobMetricsAdded').implement({
  description: 'The metrics of a step that was added to the log of a job, and the job.',
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
      description:
        'The metrics. To continue after a broken connection, pass the `step` of the last received point as `sinceStep`.',
      resolve: ({ value }) => pointAt(value, 0),
    }),
  }),
});

builder.subscriptionField('fineTuningJobMetricsAdded', (t) =>
  t.field({
    type: FineTuningJobMetricsAdded,
    nullable: false,
    description:
      'The metrics of the steps of a job by ascending step: by default only of new steps. Completes after the last event of the job, at most about a minute after the job ended. Delivers each step exactly once, also to a slow client. A step that the upstream inserts behind others comes when the gateway observes it, after greater ones. An event that the upstream sends in an invalid form is a result with the error UPSTREAM_INVALID_RESPONSE, and the stream continues. Fails with NOT_FOUND when the job does not exist or is deleted.',
    args: {
      jobId: t.arg.id({ required: true, description: 'The id of the job, such as `ftjob-abc123`.' }),
      sinceStep: t.arg.int({
        description:
          'The stream starts after this step, such as 120; 0 starts with the first step. Each page of 100 events that the gateway reads back costs one point. By default, and when null, the stream starts with the next new step.',
      }),
    },
    extensions: cost({ calls: 2 }),
    subscribe: (_root, { jobId, sinceStep }, { feeds }) => feeds.metrics(jobId, sinceStep ?? null),
    resolve: (added: Added<MetricsSeries>) => requireReadable(added),
  }),
);
