import type { checkpointBody } from '../artifacts/checkpoint.ts';
import type { fileBody } from '../artifacts/file.ts';
import { inSeconds, type jobBody } from '../artifacts/job.ts';
import { findJob } from '../routes/job.ts';
import { estimatedFinish, type JobStatus } from '../simulation/lifecycle.ts';
import { azureModelName } from './azure-model.ts';
import { isOlderThan2025 } from './azure-version.ts';
import type { BodyContext } from './dialect.ts';

type JobBody = ReturnType<typeof jobBody>;
type CheckpointBody = ReturnType<typeof checkpointBody>;
type FileBody = ReturnType<typeof fileBody>;
type TaggedBody = JobBody | CheckpointBody | FileBody | { object: 'list'; data: readonly object[] };

/** Translates a body from OpenAI's form. */
export function azureBody(body: object, context: BodyContext): object {
  const tagged = body as TaggedBody; // `object` is the type of a body; bodies of other types are not translated.
  switch (tagged.object) {
    case 'list':
      return azureList(tagged, context);
    case 'fine_tuning.job':
      return azureJob(tagged, context);
    case 'fine_tuning.job.checkpoint':
      return azureCheckpoint(tagged);
    case 'file':
      return withoutNulls({ ...tagged, status: fileStatus(context.now / 1000 - tagged.created_at) });
    default:
      return body;
  }
}

/** Azure's lists have no `first_id` and `last_id`; in older versions, the list of files has no pages. */
function azureList(list: { readonly object: 'list'; readonly data: readonly object[] }, context: BodyContext): object {
  const { first_id, last_id, ...rest } = { first_id: null, last_id: null, ...list };
  const data = list.data.map((item) => azureBody(item, context));
  const isUnpaged = context.path === '/v1/files' && isOlderThan2025(context.query);
  return isUnpaged ? { object: list.object, data } : { ...rest, data };
}

/** Azure omits members without a value, except three that are null (docs/upstream.md: Azure). */
function azureJob(job: JobBody, { query, state, now }: BodyContext): object {
  const method = isOlderThan2025(query) ? null : job.method;
  const { status, error, fine_tuned_model, finished_at, trained_tokens, validation_file, metadata } = job;
  const optional = {
    fine_tuned_model: fine_tuned_model ? azureModelName(fine_tuned_model, job.id) : null,
    finished_at,
    trained_tokens,
    validation_file,
    metadata,
    suffix: job.user_provided_suffix,
    hyperparameters: hyperparametersOf(job, method == null),
    method: method && minusOneForAuto(method),
    error: status === 'failed' ? azureError(error) : null,
  };
  return {
    object: job.object,
    id: job.id,
    model: job.model,
    created_at: job.created_at,
    status: STATUSES[status] ?? status,
    training_file: job.training_file,
    seed: job.seed,
    organization_id: null,
    integrations: null,
    result_files: job.result_files?.length ? job.result_files : null,
    estimated_finish: inSeconds(estimatedFinish(findJob(state, job.id, now))),
    trainingType: 'trainingType' in job ? job.trainingType : 'Standard',
    ...withoutNulls(optional),
  };
}

const withoutNulls = (members: object) =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value != null));

/** Those of the method stand for absent ones when the job has no `method`, without the members of one method only. */
function hyperparametersOf({ hyperparameters, method }: JobBody, isWithoutMethod: boolean): object | null {
  if (hyperparameters) return minusOneForAuto(hyperparameters);
  if (!isWithoutMethod) return null;
  const { type } = Object(method);
  const { n_epochs, batch_size, learning_rate_multiplier } = Object(method)[type].hyperparameters;
  return minusOneForAuto({ n_epochs, batch_size, learning_rate_multiplier });
}

/** Azure's statuses by those of OpenAI. Others are equal. */
const STATUSES: Readonly<Record<string, string>> = {
  validating_files: 'pending',
  queued: 'notRunning',
  cancelling: 'canceling',
} satisfies Partial<Record<JobStatus, string>>;

function azureError(error: JobBody['error']): object {
  const { code, message } = { code: null, message: null, ...Object(error) };
  return { code: code === 'deleted_training_file' ? 'fileImportFailed' : 'jsonlValidationFailed', message };
}

function minusOneForAuto(value: object): object {
  return JSON.parse(JSON.stringify(value), (_, member: unknown) => (member === 'auto' ? -1 : member));
}

function azureCheckpoint({ metrics: { type, ...metrics }, ...checkpoint }: CheckpointBody): object {
  return {
    ...checkpoint,
    id: checkpoint.id.replace('ftckpt_', 'ftchkpt-'),
    fine_tuned_model_checkpoint: azureModelName(checkpoint.fine_tuned_model_checkpoint, checkpoint.fine_tuning_job_id),
    step_number: withDecimal(checkpoint.step_number),
    metrics: { ...metrics, step: withDecimal(metrics.step) },
  };
}

/** An integer that JSON.stringify writes as 100.0. */
function withDecimal(value: number): object {
  // TypeScript's library does not declare this function of Node yet.
  const { rawJSON } = JSON as unknown as { rawJSON(text: string): object };
  return rawJSON(value.toFixed(1));
}

/** Azure imports a new file first. `age` in seconds. */
function fileStatus(age: number): string {
  if (age < 3) return 'pending';
  return age < 6 ? 'running' : 'processed';
}
