import { measurementsIn } from '../../upstream/metrics/metrics.ts';
import type { Checkpoint } from '../../upstream/resources/checkpoint.ts';
import type { Job } from '../../upstream/resources/job.ts';
import { builder } from '../core/builder.ts';
import { connectionArgs, connectionOf, mapPage, pageRequest, pageSize, readFrom } from '../core/connection.ts';
import { cost } from '../core/field-cost.ts';
import { FILE_COST, File } from '../file/file.ts';
import { FineTuningJob } from '../job/job.ts';
import { FineTuningJobMetricsPoint, type MetricsPoint } from '../metrics/metrics-point.ts';
import { MODEL_COST, Model } from '../model/model.ts';

const NOUN = 'checkpoint';
const DEFAULT_FIRST = 10;

/** A checkpoint and its job. */
interface JobCheckpoint {
  readonly job: Job;
  readonly checkpoint: Checkpoint;
}

export const FineTuningJobCheckpoint = builder.objectRef<JobCheckpoint>('FineTuningJobCheckpoint').implement({
  description: 'A checkpoint: the state of the model at a step of the training. It can be used like any other model.',
  fields: (t) => ({
    id: t.id({
      nullable: false,
      description:
        'The id of the checkpoint, such as `ftckpt_abc123`. Derived from its job, step and model, such as `derived-0a1b2c3d`, when the upstream sends none.',
      resolve: ({ checkpoint }) => checkpoint.id,
    }),
    createdAt: t.field({
      type: 'UnixTimestamp',
      nullable: false,
      description: 'The time when the checkpoint was saved.',
      resolve: ({ checkpoint }) => checkpoint.created_at,
    }),
    stepNumber: t.int({
      nullable: false,
      description: 'The training step after which the checkpoint was saved, such as 80.',
      resolve: ({ checkpoint }) => checkpoint.step_number,
    }),
    fineTunedModelId: t.id({
      nullable: false,
      description:
        'The id of the model of the checkpoint, such as `ft:gpt-4.1-mini-2025-04-14:acme::abc123:ckpt-step-80`. For the last checkpoint of a succeeded job, it equals the `fineTunedModelId` of the job.',
      resolve: ({ checkpoint }) => checkpoint.fine_tuned_model_checkpoint,
    }),
    fineTunedModel: t.field({
      type: Model,
      description:
        'The model of the checkpoint. Null when the model was deleted, or when the upstream does not list checkpoints as models.',
      extensions: MODEL_COST,
      resolve: ({ job, checkpoint }, _, { loaders }) => loaders.model(checkpoint.fine_tuned_model_checkpoint, job),
    }),
    metrics: t.field({
      type: FineTuningJobMetricsPoint,
      description: 'The metrics of the job at the step of the checkpoint. Null when the upstream does not report them.',
      resolve: ({ checkpoint }) => pointOf(checkpoint),
    }),
    resultFileIds: t.idList({
      nullable: false,
      description:
        'The ids of the files that the upstream wrote for the checkpoint, such as `["file-abc123"]`. Empty on servers without such files, as on OpenAI.',
      resolve: ({ checkpoint }) => checkpoint.result_files,
    }),
    resultFiles: t.field({
      type: [File],
      nullable: { list: false, items: true },
      description: 'The files of `resultFileIds`, in that order; null for a deleted one. Each can cost one point.',
      extensions: FILE_COST,
      resolve: ({ job, checkpoint }, _, { loaders }) =>
        checkpoint.result_files.map((id) => loaders.resultFile(id, job)),
    }),
    job: t.field({
      type: FineTuningJob,
      nullable: false,
      description: 'The job that saved the checkpoint.',
      resolve: ({ job }) => job,
    }),
  }),
});

// The metrics have a string among the numbers, and not every metric (docs/upstream.md: Objects).
function pointOf({ step_number: step, created_at: createdAt, metrics }: Checkpoint): MetricsPoint | null {
  if (metrics == null) return null;
  const measurements = measurementsIn(metrics);
  return { step, createdAt, value: (metric) => measurements.get(metric) ?? null, data: () => metrics };
}

const FineTuningJobCheckpointConnection = connectionOf(
  'FineTuningJobCheckpoint',
  FineTuningJobCheckpoint,
  'A page of the checkpoints of a job, newest first.',
);

builder.objectField(FineTuningJob, 'checkpoints', (t) =>
  t.field({
    type: FineTuningJobCheckpointConnection,
    description:
      'The checkpoints of the job, newest first. Read them after the job succeeded or was paused: before, the list is usually empty. OpenAI keeps three per job.',
    args: connectionArgs(DEFAULT_FIRST, 'older checkpoints'),
    extensions: cost({ calls: 1, size: pageSize(DEFAULT_FIRST) }),
    resolve: async (job, args, { loaders }) => {
      const request = pageRequest(NOUN, DEFAULT_FIRST, args);
      const page = await readFrom(request, () => loaders.checkpoints(job.id, request));
      return { ...mapPage(page, (checkpoint) => ({ job, checkpoint })), after: request.after, noun: NOUN };
    },
  }),
);
