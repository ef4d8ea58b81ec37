import type { MetricsSeries } from '../../upstream/metrics/metrics.ts';
import type { AddedItem } from '../../watch/streams/event-stream.ts';
import { builder } from '../core/builder.ts';
import { cost } from '../core/field-cost.ts';
import { FineTuningJob } from '../job/job.ts';
import { pointAt } from './metrics.ts';
import { FineTuningJobMetricsPoint } from './metrics-point.ts';

const FineTuningJobMetricsAdded = builder.objectRef<AddedItem<MetricsSeries>>('FineTuningJobMetricsAdded').implement({
  description: 'A step that a job has made.',
  fields: (t) => ({
    job: t.field({
      type: FineTuningJob,
      nullable: false,
      description: 'The job, as it was last seen then.',
      resolve: ({ job }) => job,
    }),
    point: t.field({
      type: FineTuningJobMetricsPoint,
      nullable: false,
      description: 'What was measured. Its step is where to go on after a break: see `sinceStep`.',
      resolve: ({ value }) => pointAt(value, 0),
    }),
  }),
});

builder.subscriptionField('fineTuningJobMetricsAdded', (t) =>
  t.field({
    type: FineTuningJobMetricsAdded,
    nullable: false,
    description:
      'The steps that a job makes, in their order; completes after the last. None is left out and none comes twice, however slow the reader is. NOT_FOUND when there is no such job, or when it is deleted.',
    args: {
      jobId: t.arg.id({ required: true, description: "The job's id." }),
      sinceStep: t.arg.int({
        description:
          'Begins with the step behind this one, 0 with the first; with what is measured from now on when left out.',
      }),
    },
    extensions: cost({ calls: 2 }),
    subscribe: (_root, { jobId, sinceStep }, { feeds }) => feeds.metrics(jobId, sinceStep ?? null),
    resolve: (added: AddedItem<MetricsSeries>) => added,
  }),
);
