import { PAGES_PER_SCAN, scanJobs } from '../../store/resources/job-scan.ts';
import { isTerminal, type Job, type JobPageRequest } from '../../upstream/resources/job.ts';
import {
  errorOf,
  hyperparametersOf,
  integrationsOf,
  type JobError,
  metadataOf,
  methodOf,
  rawOf,
} from '../../upstream/resources/job-parts.ts';
import { builder } from '../core/builder.ts';
import { connectionArgs, connectionOf, pageRequest, pageSize, readFrom } from '../core/connection.ts';
import { cost } from '../core/field-cost.ts';
import { jobStatus } from '../core/job-status.ts';
import { MetadataEntry } from '../core/metadata.ts';
import { Node } from '../core/node.ts';
import { FILE_COST, File } from '../file/file.ts';
import { MODEL_COST, Model } from '../model/model.ts';
import { SupervisedHyperparameters } from './hyperparameters.ts';
import { IntegrationInterface } from './integration.ts';
import { criteriaOf, FineTuningJobFilter } from './job-filter.ts';
import { MethodInterface } from './method.ts';

const NOUN = 'job';
const DEFAULT_FIRST = 20;

const FineTuningJobObject = builder.enumType('FineTuningJobObject', {
  description: 'The type of a job as an object of the REST API. It has one value only.',
  values: { FINE_TUNING_JOB: { description: '`fine_tuning.job` in the REST API.' } },
});

const FineTuningJobError = builder.objectRef<JobError>('FineTuningJobError').implement({
  description: 'The reason why a job failed, as the upstream reports it.',
  fields: (t) => ({
    code: t.exposeString('code', {
      description:
        'The kind of failure, for programs, such as `invalid_training_file`. An open set of strings. Null when the upstream does not report it.',
    }),
    message: t.exposeString('message', {
      description: 'The reason for people, in the words of the upstream. Null when the upstream does not report it.',
    }),
    param: t.exposeString('param', {
      description: 'The property of the REST request at fault, such as `training_file`. Null when there is none.',
    }),
  }),
});

/** The hub of the graph: other files add their fields to it. */
export const FineTuningJob = builder.objectRef<Job>('FineTuningJob').implement({
  description: 'A fine-tuning job: it trains a base model on a file and creates a new model.',
  interfaces: [Node],
  fields: (t) => ({
    object: t.field({
      type: FineTuningJobObject,
      nullable: false,
      description: 'Always FINE_TUNING_JOB: the type of the object in the REST API.',
      resolve: () => 'FINE_TUNING_JOB' as const,
    }),
    status: t.field({
      type: jobStatus.type,
      nullable: false,
      description: 'The status of the job. When it is UNKNOWN, see `rawStatus`.',
      resolve: ({ status }) => jobStatus.read(status),
    }),
    rawStatus: t.string({
      nullable: false,
      description: '`status` as the upstream spells it, such as `running`.',
      resolve: ({ status }) => status,
    }),
    isTerminal: t.boolean({
      nullable: false,
      description: 'Whether the job has ended: its status is terminal and does not change any more.',
      resolve: isTerminal,
    }),
    createdAt: t.field({
      type: 'UnixTimestamp',
      nullable: false,
      description: 'The time when the job was created.',
      resolve: ({ created_at }) => created_at,
    }),
    finishedAt: t.field({
      type: 'UnixTimestamp',
      description:
        'The time when the job ended. Null until then. On OpenAI it also stays null for failed and cancelled jobs. The last events of a job can be later.',
      resolve: ({ finished_at }) => finished_at,
    }),
    estimatedFinishAt: t.field({
      type: 'UnixTimestamp',
      description:
        'The time when the upstream expects the job to finish. Null when it reports none, which is usual on OpenAI: `progress.estimatedFinishAt` then has an estimate of the gateway.',
      resolve: ({ estimated_finish }) => estimated_finish,
    }),
    error: t.field({
      type: FineTuningJobError,
      description: 'The reason why the job failed. Null when it did not, or when no reason is reported.',
      resolve: errorOf,
    }),
    organizationId: t.string({
      description:
        'The id of the organization that owns the job, such as `org-abc123`. Null when the upstream does not report it.',
      resolve: ({ organization_id }) => organization_id,
    }),
    seed: t.exposeInt('seed', {
      description:
        'The seed of the random numbers, such as 42. Null when the upstream does not report it, or when it does not fit in 32 bits.',
    }),
    suffix: t.string({
      description:
        'The requested part of the name of the new model, such as `support-bot`. Null when none was requested, or when the upstream does not report it.',
      resolve: (job) => job.user_provided_suffix ?? job.suffix,
    }),
    modelId: t.id({
      nullable: false,
      description:
        'The id of the base model, such as `gpt-4.1-mini-2025-04-14`. The upstream can have resolved an alias: a job that was created with `gpt-4.1-mini` can have this id.',
      resolve: ({ model }) => model,
    }),
    model: t.field({
      type: Model,
      description: 'The base model. Null when the upstream does not have it any more.',
      extensions: MODEL_COST,
      resolve: (job, _, { loaders }) => loaders.model(job.model, job),
    }),
    fineTunedModelId: t.id({
      description:
        'The id of the model that the job created, such as `ft:gpt-4.1-mini-2025-04-14:acme::abc123`. Null until the job succeeded. It remains when the model is deleted.',
      resolve: ({ fine_tuned_model }) => fine_tuned_model,
    }),
    fineTunedModel: t.field({
      type: Model,
      description: 'The model that the job created. Null until the job succeeded, and after the model was deleted.',
      extensions: MODEL_COST,
      resolve: (job, _, { loaders }) => (job.fine_tuned_model ? loaders.model(job.fine_tuned_model, job) : null),
    }),
    trainingFileId: t.id({
      description:
        'The id of the training file, such as `file-abc123`. It remains when the file is deleted. Null when the upstream does not report it.',
      resolve: ({ training_file }) => training_file,
    }),
    trainingFile: t.field({
      type: File,
      description: 'The training file. Null when it was deleted or is not reported.',
      extensions: FILE_COST,
      resolve: (job, _, { loaders }) => (job.training_file ? loaders.file(job.training_file, job) : null),
    }),
    validationFileId: t.id({
      description: 'The id of the validation file. It remains when the file is deleted. Null when the job has none.',
      resolve: ({ validation_file }) => validation_file,
    }),
    validationFile: t.field({
      type: File,
      description: 'The validation file. Null when the job has none, and when the file was deleted.',
      extensions: FILE_COST,
      resolve: (job, _, { loaders }) => (job.validation_file ? loaders.file(job.validation_file, job) : null),
    }),
    resultFileIds: t.idList({
      nullable: false,
      description:
        'The ids of the results files, such as `["file-abc123"]`. The first one has the metrics of the job as CSV; the field `metrics` reads it. Empty until the job succeeded.',
      resolve: ({ result_files }) => result_files,
    }),
    resultFiles: t.field({
      type: [File],
      nullable: { list: false, items: true },
      description: 'The files of `resultFileIds`, in that order; null for a deleted one. Each can cost one point.',
      extensions: FILE_COST,
      resolve: (job, _, { loaders }) => job.result_files.map((id) => loaders.resultFile(id, job)),
    }),
    hyperparameters: t.field({
      type: SupervisedHyperparameters,
      description:
        'The hyperparameters of supervised fine-tuning. Null when the upstream does not report them here, which is usual for other methods. `method` has the hyperparameters of all methods.',
      resolve: hyperparametersOf,
    }),
    method: t.field({
      type: MethodInterface,
      description:
        'The training method and its hyperparameters. Null when the upstream does not report it, for example for jobs before 2025.',
      resolve: methodOf,
    }),
    integrations: t.field({
      type: [IntegrationInterface],
      nullable: false,
      description: 'The services that receive the metrics of the job: at most 100. Empty without any.',
      resolve: integrationsOf,
    }),
    metadata: t.field({
      type: [MetadataEntry],
      nullable: false,
      description:
        'The metadata of the job. Empty when it has none. OpenAI allows 16 pairs; of more than 100, the first are shown. The two pairs that the gateway adds for an `idempotencyKey` are left out.',
      resolve: metadataOf,
    }),
    trainedTokens: t.field({
      type: 'SafeInt',
      description: 'Number of billable tokens in the training, such as 5000. Null until the job succeeded.',
      resolve: ({ trained_tokens }) => trained_tokens,
    }),
    raw: t.field({
      type: 'JSON',
      description:
        'The job as the upstream sent it, an object in the form of the REST API. Only the metadata pairs of the gateway are removed. Its form can change at any time. Requires the role `operator`; null, with an error, without it.',
      authScopes: { operator: true },
      resolve: rawOf,
    }),
  }),
});

const FineTuningJobConnection = connectionOf('FineTuningJob', FineTuningJob, 'A page of jobs, newest first.');

builder.objectField(FineTuningJobConnection, 'scannedCount', (t) =>
  t.int({
    nullable: false,
    description:
      'Number of jobs that the gateway read for this page. With a filter it can be larger than the number of edges.',
    resolve: (page) => page.scannedCount ?? page.items.length,
  }),
);

builder.queryFields((t) => ({
  fineTuningJob: t.field({
    type: FineTuningJob,
    description: 'The job with an id. Null when it does not exist.',
    args: { id: t.arg.id({ required: true, description: 'The id of the job, such as `ftjob-abc123`.' }) },
    extensions: cost({ calls: 1 }),
    resolve: (_, { id }, { loaders }) => loaders.job(id),
  }),
  fineTuningJobs: t.field({
    type: FineTuningJobConnection,
    description:
      'The jobs of the upstream account, newest first. With a filter, the gateway reads at most 1000 jobs per page, in up to 10 upstream calls. So a page can be short or empty although `hasNextPage` is true: continue with `endCursor`.',
    args: {
      ...connectionArgs(DEFAULT_FIRST, 'older jobs'),
      filter: t.arg({ type: FineTuningJobFilter, description: 'Selects jobs. By default, and when null, all jobs.' }),
    },
    extensions: cost({
      calls: (read) => (read('filter') == null ? 1 : PAGES_PER_SCAN),
      size: pageSize(DEFAULT_FIRST),
    }),
    resolve: async (_, { filter, ...args }, { loaders }) => {
      const request = pageRequest(NOUN, DEFAULT_FIRST, args);
      const read = (page: JobPageRequest) =>
        page.after === request.after ? readFrom(page, (first) => loaders.jobs(first)) : loaders.jobs(page); // Only the first cursor is the client's.
      const page = filter ? await scanJobs(request, criteriaOf(filter), read) : await read(request);
      return { ...page, after: request.after, noun: NOUN };
    },
  }),
}));
