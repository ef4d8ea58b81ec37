import { PAGES_PER_SCAN, scanJobs } from '../../store/resources/job-scan.ts';
import { removeMark } from '../../upstream/resources/idempotency-mark.ts';
import { isTerminal, type Job, type JobPageRequest } from '../../upstream/resources/job.ts';
import {
  errorOf,
  hyperparametersOf,
  integrationsOf,
  type JobError,
  metadataOf,
  methodOf,
} from '../../upstream/resources/job-parts.ts';
import { builder } from '../core/builder.ts';
import { connectionArgs, connectionOf, pageRequest, pageSize, readFrom } from '../core/connection.ts';
import { cost } from '../core/field-cost.ts';
import { jobStatus } from '../core/job-status.ts';
import { MetadataEntry, metadataEntries } from '../core/metadata.ts';
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
  description: 'The type of a job in the REST API.',
  values: { FINE_TUNING_JOB: { description: '`fine_tuning.job`.' } },
});

const FineTuningJobError = builder.objectRef<JobError>('FineTuningJobError').implement({
  description: 'Why a job failed.',
  fields: (t) => ({
    code: t.exposeString('code', { description: 'For machines, e.g. `invalid_training_file`.' }),
    message: t.exposeString('message', { description: 'For people.' }),
    param: t.exposeString('param', {
      description: 'The parameter at fault, e.g. `training_file`; null when there is none.',
    }),
  }),
});

/** The hub of the graph. What other files know about a job, they attach here. */
export const FineTuningJob = builder.objectRef<Job>('FineTuningJob').implement({
  description: 'A fine-tuning job: a training of a model on a file, past, present or to come.',
  interfaces: [Node],
  fields: (t) => ({
    object: t.field({
      type: FineTuningJobObject,
      nullable: false,
      description: 'Always FINE_TUNING_JOB: the tag that the REST API puts on its objects.',
      resolve: () => 'FINE_TUNING_JOB' as const,
    }),
    status: t.field({
      type: jobStatus.type,
      nullable: false,
      description: 'Where the job stands.',
      resolve: ({ status }) => jobStatus.read(status),
    }),
    rawStatus: t.string({
      nullable: false,
      description: '`status` as the upstream spells it.',
      resolve: ({ status }) => status,
    }),
    isTerminal: t.boolean({
      nullable: false,
      description: 'Whether the job has come to its end and will not move again.',
      resolve: isTerminal,
    }),
    createdAt: t.field({
      type: 'UnixTimestamp',
      nullable: false,
      description: 'When the job was created.',
      resolve: ({ created_at }) => created_at,
    }),
    finishedAt: t.field({
      type: 'UnixTimestamp',
      description: 'When the job succeeded. Null before, and with OpenAI also for ever on cancelled and failed jobs.',
      resolve: ({ finished_at }) => finished_at,
    }),
    estimatedFinishAt: t.field({
      type: 'UnixTimestamp',
      description: 'When the upstream expects the job to finish; null when it does not say, which is usual.',
      resolve: ({ estimated_finish }) => estimated_finish,
    }),
    error: t.field({
      type: FineTuningJobError,
      description: 'Why the job failed; null when it did not.',
      resolve: errorOf,
    }),
    organizationId: t.string({
      description: 'The organisation that owns the job; null where the server has none.',
      resolve: ({ organization_id }) => organization_id,
    }),
    seed: t.exposeInt('seed', {
      description: 'The seed of its randomness; null when the upstream does not tell, or past 32 bits.',
    }),
    suffix: t.string({
      description: "What the new model's name was asked to contain; null when nothing was.",
      resolve: (job) => job.user_provided_suffix ?? job.suffix,
    }),
    modelId: t.id({
      nullable: false,
      description: 'The name of the base model, as the upstream resolved it.',
      resolve: ({ model }) => model,
    }),
    model: t.field({
      type: Model,
      description: 'The base model; null when the upstream does not have it any more.',
      extensions: MODEL_COST,
      resolve: (job, _, { loaders }) => loaders.model(job.model, job),
    }),
    fineTunedModelId: t.id({
      description: 'The name of the model that the job made; null until it succeeded.',
      resolve: ({ fine_tuned_model }) => fine_tuned_model,
    }),
    fineTunedModel: t.field({
      type: Model,
      description: 'The model that the job made; null until it succeeded, and when the model was deleted.',
      extensions: MODEL_COST,
      resolve: (job, _, { loaders }) => (job.fine_tuned_model ? loaders.model(job.fine_tuned_model, job) : null),
    }),
    trainingFileId: t.id({
      description:
        'The id of the file it trains on; the file itself may be gone. Null when the upstream does not tell.',
      resolve: ({ training_file }) => training_file,
    }),
    trainingFile: t.field({
      type: File,
      description: 'The file it trains on; null when it was deleted.',
      extensions: FILE_COST,
      resolve: (job, _, { loaders }) => (job.training_file ? loaders.file(job.training_file, job) : null),
    }),
    validationFileId: t.id({
      description: 'The id of the file it is validated on; null when there is none.',
      resolve: ({ validation_file }) => validation_file,
    }),
    validationFile: t.field({
      type: File,
      description: 'The file it is validated on; null when there is none, or when it was deleted.',
      extensions: FILE_COST,
      resolve: (job, _, { loaders }) => (job.validation_file ? loaders.file(job.validation_file, job) : null),
    }),
    resultFileIds: t.idList({
      nullable: false,
      description: 'The ids of the files with its metrics; empty until it succeeded.',
      resolve: ({ result_files }) => result_files,
    }),
    resultFiles: t.field({
      type: [File],
      nullable: { list: false, items: true },
      description:
        'The files with its metrics, in the order of `resultFileIds`; null in the place of one that was deleted.',
      extensions: FILE_COST,
      resolve: (job, _, { loaders }) => job.result_files.map((id) => loaders.resultFile(id, job)),
    }),
    hyperparameters: t.field({
      type: SupervisedHyperparameters,
      description:
        'Its hyperparameters; null when the upstream does not tell, as for DPO and reinforcement, where `method` has them.',
      resolve: hyperparametersOf,
    }),
    method: t.field({
      type: MethodInterface,
      description: 'How it trains; null on jobs from before methods existed.',
      resolve: methodOf,
    }),
    integrations: t.field({
      type: [IntegrationInterface],
      nullable: false,
      description: 'Where it reports to while it trains.',
      resolve: integrationsOf,
    }),
    metadata: t.field({
      type: [MetadataEntry],
      nullable: false,
      description: 'The pairs that were attached to the job, up to 16.',
      resolve: (job) => metadataEntries(metadataOf(job)),
    }),
    trainedTokens: t.field({
      type: 'SafeInt',
      description: 'Billable tokens that were processed; null until the job succeeded.',
      resolve: ({ trained_tokens }) => trained_tokens,
    }),
    raw: t.field({
      type: 'JSON',
      description:
        "The object as the upstream sent it, without the gateway's own pairs of metadata; needs the role `operator`. Unstable: it can change with every upstream release.",
      authScopes: { operator: true },
      resolve: ({ raw }) => removeMark(raw),
    }),
  }),
});

const FineTuningJobConnection = connectionOf('FineTuningJob', FineTuningJob, 'A page of jobs, newest first.');

builder.objectField(FineTuningJobConnection, 'scannedCount', (t) =>
  t.int({
    nullable: false,
    description:
      'How many jobs were looked at for this page. Behind a filter a page can be empty and yet have a next one.',
    resolve: (page) => page.scannedCount ?? page.items.length,
  }),
);

builder.queryFields((t) => ({
  fineTuningJob: t.field({
    type: FineTuningJob,
    description: 'One job; null when there is none with this id.',
    args: { id: t.arg.id({ required: true, description: 'The id of the job, `ftjob-…`.' }) },
    extensions: cost({ calls: 1 }),
    resolve: (_, { id }, { loaders }) => loaders.job(id),
  }),
  fineTuningJobs: t.field({
    type: FineTuningJobConnection,
    description:
      'The jobs of the account, newest first. With a filter, one page comes of looking through at most 1000 jobs: it can be short or empty while `hasNextPage` is true, and `endCursor` goes on behind the last job looked at.',
    args: {
      ...connectionArgs(DEFAULT_FIRST, 'older jobs'),
      filter: t.arg({ type: FineTuningJobFilter, description: 'Only some of them.' }),
    },
    extensions: cost({
      calls: (read) => (read('filter') == null ? 1 : PAGES_PER_SCAN),
      size: pageSize(DEFAULT_FIRST),
    }),
    resolve: async (_, { filter, ...args }, { loaders }) => {
      const request = pageRequest(NOUN, DEFAULT_FIRST, args);
      const read = (page: JobPageRequest) =>
        page.after === request.after ? readFrom(page, loaders.jobs) : loaders.jobs(page); // Only that one is the client's.
      const page = filter ? await scanJobs(request, criteriaOf(filter), read) : await read(request);
      return { ...page, after: request.after, noun: NOUN };
    },
  }),
}));
