import type { Checkpoint } from '../../upstream/resources/checkpoint.ts';
import type { Job } from '../../upstream/resources/job.ts';
import { builder } from '../core/builder.ts';
import { connectionArgs, connectionOf, mapPage, pageRequest, pageSize, readFrom } from '../core/connection.ts';
import { cost } from '../core/field-cost.ts';
import { FineTuningJob } from '../job/job.ts';
import { FineTuningJobMetricsPoint, type MetricsPoint } from '../metrics/metrics-point.ts';
import { MODEL_COST, Model } from '../model/model.ts';

const NOUN = 'checkpoint';
const DEFAULT_FIRST = 10;

/** A checkpoint, and the job that saved it. */
interface SavedCheckpoint {
  readonly job: Job;
  readonly checkpoint: Checkpoint;
}

export const FineTuningJobCheckpoint = builder.objectRef<SavedCheckpoint>('FineTuningJobCheckpoint').implement({
  description: 'A model that a job has saved on its way. It can be used like any other.',
  fields: (t) => ({
    id: t.id({ nullable: false, description: "The upstream's own id.", resolve: ({ checkpoint }) => checkpoint.id }),
    createdAt: t.field({
      type: 'UnixTimestamp',
      nullable: false,
      description: 'When it was saved.',
      resolve: ({ checkpoint }) => checkpoint.created_at,
    }),
    stepNumber: t.int({
      nullable: false,
      description: 'After which step it was saved.',
      resolve: ({ checkpoint }) => checkpoint.step_number,
    }),
    fineTunedModelId: t.id({
      nullable: false,
      description: 'The name of the model. That of the last checkpoint is the `fineTunedModelId` of the job.',
      resolve: ({ checkpoint }) => checkpoint.fine_tuned_model_checkpoint,
    }),
    fineTunedModel: t.field({
      type: Model,
      description: 'The model; null when it was deleted, or where the upstream does not show checkpoints as models.',
      extensions: MODEL_COST,
      resolve: ({ job, checkpoint }, _, { loaders }) => loaders.model(checkpoint.fine_tuned_model_checkpoint, job),
    }),
    metrics: t.field({
      type: FineTuningJobMetricsPoint,
      description: 'What was measured at that step; null when the upstream does not tell.',
      resolve: ({ checkpoint }) => pointOf(checkpoint),
    }),
    job: t.field({
      type: FineTuningJob,
      nullable: false,
      description: 'The job that saved it.',
      resolve: ({ job }) => job,
    }),
  }),
});

// Among the numbers stands a string, and not all are there (docs/upstream.md: Objects). JSON can write numbers that read as Infinity.
function pointOf({ step_number: step, created_at: createdAt, metrics }: Checkpoint): MetricsPoint | null {
  if (metrics == null) return null;
  const value: MetricsPoint['value'] = (metric) => {
    const value = metrics[metric];
    return typeof value === 'number' && Number.isFinite(value) ? value : null;
  };
  return { step, createdAt, value, data: () => metrics };
}

const FineTuningJobCheckpointConnection = connectionOf(
  'FineTuningJobCheckpoint',
  FineTuningJobCheckpoint,
  "A page of a job's checkpoints, newest first.",
);

builder.objectField(FineTuningJob, 'checkpoints', (t) =>
  t.field({
    type: FineTuningJobCheckpointConnection,
    description: 'The models that it has saved on its way, newest first. OpenAI shows them when the job has succeeded.',
    args: connectionArgs(DEFAULT_FIRST, 'earlier checkpoints'),
    extensions: cost({ calls: 1, size: pageSize(DEFAULT_FIRST) }),
    resolve: async (job, args, { loaders }) => {
      const request = pageRequest(NOUN, DEFAULT_FIRST, args);
      const page = await readFrom(request, () => loaders.checkpoints(job.id, request));
      return { ...mapPage(page, (checkpoint) => ({ job, checkpoint })), after: request.after, noun: NOUN };
    },
  }),
);
