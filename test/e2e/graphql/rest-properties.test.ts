import { describe, expect, it } from 'vitest';
import { jobBody } from '../../kit/bodies/job.ts';
import { startGateway } from '../../kit/gateway/gateway.ts';
import { startUpstream } from '../../kit/gateway/upstream.ts';

/** The 16 properties of the REST API's job, each with its GraphQL field and type, and an example value of both. */
const PROPERTIES = [
  { property: 'id', field: 'id', type: 'ID!', wire: 'ftjob-seed', graph: 'ftjob-seed' },
  {
    property: 'object',
    field: 'object',
    type: 'FineTuningJobObject!',
    wire: 'fine_tuning.job',
    graph: 'FINE_TUNING_JOB',
  },
  { property: 'status', field: 'status', type: 'FineTuningJobStatus!', wire: 'succeeded', graph: 'SUCCEEDED' },
  { property: 'created_at', field: 'createdAt', type: 'UnixTimestamp!', wire: 1_760_000_000, graph: 1_760_000_000 },
  { property: 'finished_at', field: 'finishedAt', type: 'UnixTimestamp', wire: 1_760_000_793, graph: 1_760_000_793 },
  {
    property: 'error',
    field: 'error',
    type: 'FineTuningJobError',
    wire: { code: 'invalid_training_file', message: 'Line 3 is not JSON.', param: 'training_file' },
    selection: '{ code message param }',
    graph: { code: 'invalid_training_file', message: 'Line 3 is not JSON.', param: 'training_file' },
  },
  { property: 'organization_id', field: 'organizationId', type: 'String', wire: 'org-seed', graph: 'org-seed' },
  { property: 'seed', field: 'seed', type: 'Int', wire: 2_147_483_647, graph: 2_147_483_647 },
  { property: 'model', field: 'modelId', type: 'ID!', wire: 'gpt-4.1-2025-04-14', graph: 'gpt-4.1-2025-04-14' },
  { property: 'fine_tuned_model', field: 'fineTunedModelId', type: 'ID', wire: 'ft:m:o::abc', graph: 'ft:m:o::abc' },
  { property: 'training_file', field: 'trainingFileId', type: 'ID', wire: 'file-train', graph: 'file-train' },
  { property: 'validation_file', field: 'validationFileId', type: 'ID', wire: 'file-valid', graph: 'file-valid' },
  { property: 'result_files', field: 'resultFileIds', type: '[ID!]!', wire: ['file-result'], graph: ['file-result'] },
  {
    property: 'hyperparameters',
    field: 'hyperparameters',
    type: 'FineTuningJobHyperparameters',
    wire: { n_epochs: 3, batch_size: 'auto', learning_rate_multiplier: 1.8 },
    selection: '{ nEpochs batchSize learningRateMultiplier }',
    graph: { nEpochs: 3, batchSize: 'auto', learningRateMultiplier: 1.8 },
  },
  { property: 'trained_tokens', field: 'trainedTokens', type: 'SafeInt', wire: 5_000_000_000, graph: 5_000_000_000 },
  {
    property: 'integrations',
    field: 'integrations',
    type: '[FineTuningJobIntegration!]!',
    wire: [
      { type: 'wandb', wandb: { project: 'tuning', name: 'first', entity: 'team', tags: ['a'], run_id: 'ftjob-seed' } },
    ],
    selection: '{ type rawType ... on FineTuningJobWandbIntegration { project name entity tags runId } }',
    graph: [
      {
        type: 'WANDB',
        rawType: 'wandb',
        project: 'tuning',
        name: 'first',
        entity: 'team',
        tags: ['a'],
        runId: 'ftjob-seed',
      },
    ],
  },
];

const STATUSES = {
  validating_files: 'VALIDATING_FILES',
  queued: 'QUEUED',
  running: 'RUNNING',
  pausing: 'PAUSING',
  paused: 'PAUSED',
  resuming: 'RESUMING',
  cancelling: 'CANCELLING',
  succeeded: 'SUCCEEDED',
  failed: 'FAILED',
  cancelled: 'CANCELLED',
};

const wireJob = jobBody(Object.fromEntries(PROPERTIES.map(({ property, wire }) => [property, wire])) as { id: string });

describe('the REST properties of a job', () => {
  it('are 16', () => {
    expect(PROPERTIES).toHaveLength(16);
  });

  it('each have a field of the right type', async () => {
    await using gateway = await startGateway();
    const { data } =
      await gateway.query(`{ __type(name: "FineTuningJob") { fields { name type { ...T ofType { ...T ofType { ...T ofType { ...T } } } } } } }
      fragment T on __Type { kind name }`);
    const fields = (data?.['__type'] as { fields: { name: string; type: TypeRef }[] } | undefined)?.fields ?? [];
    const types = Object.fromEntries(fields.map(({ name, type }) => [name, written(type)]));
    expect(types).toMatchObject(Object.fromEntries(PROPERTIES.map(({ field, type }) => [field, type])));
  });

  it.each(PROPERTIES)('return the value of $property as $field', async ({ field, selection = '', graph }) => {
    await using upstream = await startUpstream();
    await using gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl });
    upstream.onJob(wireJob);
    expect(await gateway.query(`{ fineTuningJob(id: "ftjob-seed") { ${field} ${selection} } }`)).toEqual({
      data: { fineTuningJob: { [field]: graph } },
    });
  });

  it('have two enums with exactly these values', async () => {
    await using gateway = await startGateway();
    const { data } = await gateway.query(`{
      object: __type(name: "FineTuningJobObject") { enumValues { name } }
      status: __type(name: "FineTuningJobStatus") { enumValues { name } }
    }`);
    const names = (type: unknown) => (type as { enumValues: { name: string }[] }).enumValues.map(({ name }) => name);
    expect(names(data?.['object'])).toEqual(['FINE_TUNING_JOB']);
    expect(names(data?.['status']).sort()).toEqual([...Object.values(STATUSES), 'UNKNOWN'].sort());
  });

  it.each(Object.entries(STATUSES))('read the status %s as %s', async (wire, graph) => {
    await using upstream = await startUpstream();
    await using gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl });
    upstream.onJob(jobBody({ id: 'ftjob-s', status: wire }));
    expect(await gateway.query('{ fineTuningJob(id: "ftjob-s") { status rawStatus } }')).toEqual({
      data: { fineTuningJob: { status: graph, rawStatus: wire } },
    });
  });
});

interface TypeRef {
  kind: string;
  name: string | null;
  ofType?: TypeRef;
}

function written({ kind, name, ofType }: TypeRef): string {
  if (!ofType) return String(name);
  return kind === 'NON_NULL' ? `${written(ofType)}!` : `[${written(ofType)}]`;
}
