import { describe, expect, it } from 'vitest';
import { jobBody } from '../../kit/bodies/job.ts';
import { startGateway } from '../../kit/gateway/gateway.ts';
import { startUpstream } from '../../kit/gateway/upstream.ts';

/** The fields of a job whose body has these members too, or the errors of the query. */
async function readJob(members: Record<string, unknown>, selection: string) {
  await using upstream = await startUpstream();
  await using gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl });
  upstream.onJob(jobBody({ ...members, id: 'ftjob-quirk' }));
  const { data, errors } = await gateway.query(`{ fineTuningJob(id: "ftjob-quirk") { ${selection} } }`);
  return errors ?? data?.['fineTuningJob'];
}

const HYPERPARAMETERS = 'hyperparameters { nEpochs batchSize learningRateMultiplier }';
const METHOD = `method { ... on FineTuningJobReinforcementMethod { grader {
  __typename type rawType name
  ... on MultiGrader { calculateOutput graders { name grader { __typename type rawType name } } }
} } }`;

describe("a job's error", () => {
  it.each([
    ['null', null],
    ['{}', {}],
    ['an object of nulls', { code: null, message: null, param: null }],
    ['an object of nulls with an error member', { code: null, message: null, param: null, error: null }],
  ])('is null when the upstream sends %s', async (_, error) => {
    expect(await readJob({ error }, 'error { code }')).toEqual({ error: null });
  });

  it('has the code when the upstream omits the rest', async () => {
    expect(await readJob({ error: { code: 'cancelled_by_admin' } }, 'error { code message param }')).toEqual({
      error: { code: 'cancelled_by_admin', message: null, param: null },
    });
  });

  it('has a message when the upstream sends a string', async () => {
    expect(await readJob({ error: 'out of memory' }, 'error { code message }')).toEqual({
      error: { code: null, message: 'out of memory' },
    });
  });
});

describe("a job's times", () => {
  it('have no finishedAt for a cancelled job', async () => {
    expect(await readJob({ status: 'cancelled', finished_at: null }, 'status finishedAt isTerminal')).toEqual({
      status: 'CANCELLED',
      finishedAt: null,
      isTerminal: true,
    });
  });

  it('are null when the upstream sends 0', async () => {
    expect(await readJob({ finished_at: 0, estimated_finish: 0 }, 'finishedAt estimatedFinishAt')).toEqual({
      finishedAt: null,
      estimatedFinishAt: null,
    });
  });

  it('can be after 2038', async () => {
    expect(await readJob({ created_at: 4_102_444_800, finished_at: 4_102_444_801 }, 'createdAt finishedAt')).toEqual({
      createdAt: 4_102_444_800,
      finishedAt: 4_102_444_801,
    });
  });

  it('are truncated to seconds', async () => {
    expect(await readJob({ created_at: 1_760_000_000.73 }, 'createdAt')).toEqual({ createdAt: 1_760_000_000 });
  });
});

describe("a job's hyperparameters", () => {
  it.each([
    ['missing', undefined],
    ['null', null],
    ['"auto" as a whole', 'auto'],
  ])('are null when %s', async (_, hyperparameters) => {
    expect(await readJob({ hyperparameters }, HYPERPARAMETERS)).toEqual({ hyperparameters: null });
  });

  it('are null one by one when properties are missing or null', async () => {
    expect(await readJob({ hyperparameters: { n_epochs: 2, batch_size: null } }, HYPERPARAMETERS)).toEqual({
      hyperparameters: { nEpochs: 2, batchSize: null, learningRateMultiplier: null },
    });
  });

  it('are "auto" when the upstream sends that', async () => {
    const auto = { n_epochs: 'auto', batch_size: 'auto', learning_rate_multiplier: 'auto' };
    expect(await readJob({ hyperparameters: auto }, HYPERPARAMETERS)).toEqual({
      hyperparameters: { nEpochs: 'auto', batchSize: 'auto', learningRateMultiplier: 'auto' },
    });
  });

  it('are "auto" when Azure sends -1', async () => {
    const auto = { n_epochs: -1, batch_size: -1, learning_rate_multiplier: -1 };
    expect(await readJob({ hyperparameters: auto }, HYPERPARAMETERS)).toEqual({
      hyperparameters: { nEpochs: 'auto', batchSize: 'auto', learningRateMultiplier: 'auto' },
    });
  });

  it('are integers when the upstream sends 2.0', async () => {
    await using upstream = await startUpstream();
    await using gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl });
    const text = JSON.stringify(jobBody({ id: 'ftjob-float', hyperparameters: { n_epochs: 'N' } })).replace(
      '"N"',
      '2.0',
    );
    upstream.on('/fine_tuning/jobs/ftjob-float', (_: unknown, response: import('node:http').ServerResponse) => {
      response.end(text);
    });
    expect(await gateway.query('{ fineTuningJob(id: "ftjob-float") { hyperparameters { nEpochs } } }')).toEqual({
      data: { fineTuningJob: { hyperparameters: { nEpochs: 2 } } },
    });
  });
});

describe('a value that no enum lists', () => {
  it('is UNKNOWN for a status, with rawStatus beside it', async () => {
    expect(await readJob({ status: 'moderating' }, 'status rawStatus isTerminal')).toEqual({
      status: 'UNKNOWN',
      rawStatus: 'moderating',
      isTerminal: false,
    });
  });

  it.each([
    ['pending', 'QUEUED', false],
    ['notRunning', 'QUEUED', false],
    ['created', 'QUEUED', false],
    ['canceled', 'CANCELLED', true],
    ['canceling', 'CANCELLING', false],
    ['deleted', 'UNKNOWN', true],
  ])('is not the spelling %s: its status is %s', async (wire, status, isTerminal) => {
    expect(await readJob({ status: wire }, 'status rawStatus isTerminal')).toEqual({
      status,
      rawStatus: wire,
      isTerminal,
    });
  });

  it('is an UnknownMethod for a method', async () => {
    expect(
      await readJob({ method: { type: 'distillation', distillation: {} } }, 'method { __typename type rawType }'),
    ).toEqual({
      method: { __typename: 'FineTuningJobUnknownMethod', type: 'UNKNOWN', rawType: 'distillation' },
    });
  });

  it('is an UnknownIntegration for an integration', async () => {
    const integrations = [{ type: 'mlflow', mlflow: { experiment: 'a' } }];
    expect(await readJob({ integrations }, 'integrations { __typename type rawType }')).toEqual({
      integrations: [{ __typename: 'FineTuningJobUnknownIntegration', type: 'UNKNOWN', rawType: 'mlflow' }],
    });
  });

  it('is no integration when the upstream sends null', async () => {
    expect(await readJob({ integrations: null }, 'integrations { type }')).toEqual({ integrations: [] });
  });
});

describe('a grader', () => {
  const readGrader = async (body: unknown) => {
    const method = { type: 'reinforcement', reinforcement: { grader: body } };
    const answer = (await readJob({ method }, METHOD)) as { method: { grader: unknown } };
    return answer.method.grader;
  };
  const check = { type: 'string_check', name: 'exact', input: '{{sample}}', reference: 'yes', operation: 'eq' };
  const checkInGraph = {
    __typename: 'StringCheckGrader',
    type: 'STRING_CHECK',
    rawType: 'string_check',
    name: 'exact',
  };
  const multi = (graders: unknown) => ({ type: 'multi', name: 'all', calculate_output: 'exact', graders });

  it('of an unknown type is an UnknownGrader with its name', async () => {
    expect(await readGrader({ type: 'vibes', name: 'mood' })).toMatchObject({
      __typename: 'UnknownGrader',
      type: 'UNKNOWN',
      rawType: 'vibes',
      name: 'mood',
    });
  });

  it('without a required property of its type is an UnknownGrader', async () => {
    expect(await readGrader({ type: 'python', name: 'script' })).toMatchObject({
      __typename: 'UnknownGrader',
      rawType: 'python',
      name: 'script',
    });
  });

  it.each([
    ['a map', { exact: check }],
    ['a list', [check]],
    ['one grader', check],
  ])('of type multi has named graders, sent as %s', async (_, graders) => {
    expect(await readGrader(multi(graders))).toMatchObject({
      __typename: 'MultiGrader',
      calculateOutput: 'exact',
      graders: [{ name: 'exact', grader: checkInGraph }],
    });
  });

  it('of each known type has a field for every property', async () => {
    await using upstream = await startUpstream();
    await using gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl });
    const input = [{ role: 'user', content: 'Score {{sample}}' }];
    const graders = {
      check,
      alike: { type: 'text_similarity', name: 'alike', input: 'a', reference: 'b', evaluation_metric: 'rouge_l' },
      script: { type: 'python', name: 'script', source: 'def grade(): pass', image_tag: '2025-05-08' },
      score: { type: 'score_model', name: 'score', model: 'o3', input, range: [0, 10], sampling_params: { seed: 1 } },
      label: {
        type: 'label_model',
        name: 'label',
        model: 'o3',
        input,
        labels: ['good', 'bad'],
        passing_labels: ['good'],
      },
    };
    upstream.onJob(
      jobBody({
        id: 'ftjob-g',
        method: { type: 'reinforcement', reinforcement: { grader: multi(graders), response_format: { type: 'text' } } },
      }),
    );
    const answer =
      await gateway.query(`{ fineTuningJob(id: "ftjob-g") { method { ... on FineTuningJobReinforcementMethod {
      responseFormat
      grader { ... on MultiGrader { graders { name grader {
        ... on StringCheckGrader { input reference operation rawOperation }
        ... on TextSimilarityGrader { input reference evaluationMetric rawEvaluationMetric }
        ... on PythonGrader { source imageTag }
        ... on ScoreModelGrader { modelId messages { role content } range samplingParams }
        ... on LabelModelGrader { modelId messages { role content } labels passingLabels }
      } } } }
    } } } }`);
    expect(answer).toEqual({
      data: {
        fineTuningJob: {
          method: {
            responseFormat: { type: 'text' },
            grader: {
              graders: [
                {
                  name: 'check',
                  grader: { input: '{{sample}}', reference: 'yes', operation: 'EQ', rawOperation: 'eq' },
                },
                {
                  name: 'alike',
                  grader: { input: 'a', reference: 'b', evaluationMetric: 'ROUGE_L', rawEvaluationMetric: 'rouge_l' },
                },
                { name: 'script', grader: { source: 'def grade(): pass', imageTag: '2025-05-08' } },
                {
                  name: 'score',
                  grader: { modelId: 'o3', messages: input, range: [0, 10], samplingParams: { seed: 1 } },
                },
                {
                  name: 'label',
                  grader: { modelId: 'o3', messages: input, labels: ['good', 'bad'], passingLabels: ['good'] },
                },
              ],
            },
          },
        },
      },
    });
  });
});

describe('the other properties of a job', () => {
  it('include the hyperparameters of every method', async () => {
    const reinforcement = {
      reasoning_effort: 'high',
      compute_multiplier: 1.5,
      eval_interval: 5,
      eval_samples: 'auto',
      n_epochs: 1,
    };
    const selection = `method {
      ... on FineTuningJobDpoMethod { hyperparameters { nEpochs beta } }
      ... on FineTuningJobReinforcementMethod { hyperparameters {
        nEpochs reasoningEffort rawReasoningEffort computeMultiplier evalInterval evalSamples
      } }
    }`;
    expect(
      await readJob({ method: { type: 'dpo', dpo: { hyperparameters: { n_epochs: 2, beta: 0.1 } } } }, selection),
    ).toEqual({
      method: { hyperparameters: { nEpochs: 2, beta: 0.1 } },
    });
    expect(
      await readJob(
        { method: { type: 'reinforcement', reinforcement: { hyperparameters: reinforcement } } },
        selection,
      ),
    ).toEqual({
      method: {
        hyperparameters: {
          nEpochs: 1,
          reasoningEffort: 'HIGH',
          rawReasoningEffort: 'high',
          computeMultiplier: 1.5,
          evalInterval: 5,
          evalSamples: 'auto',
        },
      },
    });
  });

  it('can be missing, as on Azure, though the API document requires them', async () => {
    await using upstream = await startUpstream();
    await using gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl });
    upstream.onJob({ id: 'ftjob-azure', status: 'pending', model: 'gpt-4.1', created_at: 1_760_000_000 } as {
      id: string;
    });
    expect(
      await gateway.query(`{ fineTuningJob(id: "ftjob-azure") {
        id object status organizationId resultFileIds integrations { type } metadata { key } trainingFileId seed error { code } ${HYPERPARAMETERS}
      } }`),
    ).toEqual({
      data: {
        fineTuningJob: {
          id: 'ftjob-azure',
          object: 'FINE_TUNING_JOB',
          status: 'QUEUED',
          organizationId: null,
          resultFileIds: [],
          integrations: [],
          metadata: [],
          trainingFileId: null,
          seed: null,
          error: null,
          hyperparameters: null,
        },
      },
    });
  });

  it('include token counts beyond 2^31', async () => {
    expect(await readJob({ trained_tokens: 2 ** 53 - 1 }, 'trainedTokens')).toEqual({ trainedTokens: 2 ** 53 - 1 });
  });

  it('include the suffix, from the properties of OpenAI and of other servers', async () => {
    expect(await readJob({ user_provided_suffix: 'mine' }, 'suffix')).toEqual({ suffix: 'mine' });
    expect(await readJob({ user_provided_suffix: undefined, suffix: 'theirs' }, 'suffix')).toEqual({
      suffix: 'theirs',
    });
  });

  it('include metadata pairs with any key', async () => {
    const metadata = JSON.parse('{ "__proto__": "a", "constructor": "b" }');
    expect(await readJob({ metadata }, 'metadata { key value }')).toEqual({
      metadata: [
        { key: '__proto__', value: 'a' },
        { key: 'constructor', value: 'b' },
      ],
    });
  });

  it('include metadata as pairs, with a value that is no string as JSON text', async () => {
    expect(await readJob({ metadata: { team: 'a', retries: 3 } }, 'metadata { key value }')).toEqual({
      metadata: [
        { key: 'team', value: 'a' },
        { key: 'retries', value: '3' },
      ],
    });
  });

  it('are unchanged in raw, including unknown ones', async () => {
    const members = { usage_metrics: { gpu_hours: 1.5 }, error: {}, hyperparameters: { n_epochs: -1, lora_r: 8 } };
    expect(await readJob(members, 'raw')).toEqual({ raw: jobBody({ ...members, id: 'ftjob-quirk' }) });
  });
});

describe('an invalid optional property', () => {
  it.each([
    ['finished_at', 'finishedAt', 'yesterday', null],
    ['trained_tokens', 'trainedTokens', 1.5, null],
    ['organization_id', 'organizationId', 7, null],
    ['user_provided_suffix', 'suffix', 7, null],
    ['fine_tuned_model', 'fineTunedModelId', {}, null],
    ['validation_file', 'validationFileId', [], null],
    ['result_files', 'resultFileIds', [{ id: 'file-1' }], []],
    ['seed', 'seed', 2 ** 40, null],
  ])('is null and the job remains: %s', async (member, field, value, read) => {
    expect(await readJob({ [member]: value }, `id ${field} raw`)).toEqual({
      id: 'ftjob-quirk',
      [field]: read,
      raw: expect.objectContaining({ [member]: value }),
    });
  });

  it.each([1e20, 2 ** 53, -1])(
    'is null when it is a time beyond the range of UnixTimestamp: %s',
    async (finished_at) => {
      await using upstream = await startUpstream();
      await using gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl });
      upstream.onJob(jobBody({ id: 'ftjob-1', finished_at }));
      expect(await gateway.query('{ fineTuningJob(id: "ftjob-1") { id finishedAt } }')).toEqual({
        data: { fineTuningJob: { id: 'ftjob-1', finishedAt: null } },
      });
    },
  );
});

describe('an invalid job', () => {
  it.each([
    ['has no id', { id: undefined }, 'id'],
    ['has a number as its status', { status: 7 }, 'status'],
    ['has no model', { model: undefined }, 'model'],
    ['has no creation time', { created_at: null }, 'created_at'],
  ])('is UPSTREAM_INVALID_RESPONSE when it %s, and the log names the property', async (_, members, property) => {
    await using upstream = await startUpstream();
    await using gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl });
    upstream.on('/fine_tuning/jobs/ftjob-bad', jobBody(members));
    const { data, errors } = await gateway.query('{ fineTuningJob(id: "ftjob-bad") { id } gateway { version } }');
    expect(data).toMatchObject({ fineTuningJob: null, gateway: { version: expect.any(String) } });
    expect(errors?.[0]).toMatchObject({
      path: ['fineTuningJob'],
      extensions: { code: 'UPSTREAM_INVALID_RESPONSE', upstreamStatus: 200 },
    });
    expect(gateway.log).toContainEqual(expect.objectContaining({ detail: expect.stringContaining(`${property}:`) }));
  });

  it('is UPSTREAM_INVALID_RESPONSE when it is another job than requested', async () => {
    await using upstream = await startUpstream();
    await using gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl });
    upstream.on('/fine_tuning/jobs/ftjob-mine', jobBody({ id: 'ftjob-yours' }));
    const { data, errors } = await gateway.query('{ fineTuningJob(id: "ftjob-mine") { id } }');
    expect(data).toEqual({ fineTuningJob: null });
    expect(errors?.[0]?.extensions['code']).toBe('UPSTREAM_INVALID_RESPONSE');
  });

  it('is an error of its own in a list', async () => {
    await using upstream = await startUpstream();
    await using gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl });
    upstream.onJobs([jobBody({ id: 'ftjob-1' }), jobBody({ id: 'ftjob-2', status: null }), jobBody({ id: 'ftjob-3' })]);
    const { data, errors } = await gateway.query('{ fineTuningJobs { edges { node { id } } } }');
    expect(data).toEqual({
      fineTuningJobs: { edges: [{ node: { id: 'ftjob-1' } }, { node: null }, { node: { id: 'ftjob-3' } }] },
    });
    expect(errors).toMatchObject([
      {
        path: ['fineTuningJobs', 'edges', 1, 'node'],
        extensions: { code: 'UPSTREAM_INVALID_RESPONSE', upstreamStatus: 200 },
      },
    ]);
  });
});
