import { describe, expect, it } from 'vitest';
import { jobBody } from '../../kit/bodies/job.ts';
import { startGateway } from '../../kit/gateway/gateway.ts';
import { startUpstream } from '../../kit/gateway/upstream.ts';

/** What the graph says of a job whose body has these members, beside the usual ones. */
async function ask(members: Record<string, unknown>, selection: string) {
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
  ])('is null when the upstream says %s', async (_, error) => {
    expect(await ask({ error }, 'error { code }')).toEqual({ error: null });
  });

  it('keeps the code when the upstream leaves the rest out', async () => {
    expect(await ask({ error: { code: 'cancelled_by_admin' } }, 'error { code message param }')).toEqual({
      error: { code: 'cancelled_by_admin', message: null, param: null },
    });
  });

  it('is read when the upstream sends a bare sentence', async () => {
    expect(await ask({ error: 'out of memory' }, 'error { code message }')).toEqual({
      error: { code: null, message: 'out of memory' },
    });
  });
});

describe("a job's times", () => {
  it('leaves finishedAt null on a cancelled job', async () => {
    expect(await ask({ status: 'cancelled', finished_at: null }, 'status finishedAt isTerminal')).toEqual({
      status: 'CANCELLED',
      finishedAt: null,
      isTerminal: true,
    });
  });

  it('reads 0 as none', async () => {
    expect(await ask({ finished_at: 0, estimated_finish: 0 }, 'finishedAt estimatedFinishAt')).toEqual({
      finishedAt: null,
      estimatedFinishAt: null,
    });
  });

  it('carries times past 2038', async () => {
    expect(await ask({ created_at: 4_102_444_800, finished_at: 4_102_444_801 }, 'createdAt finishedAt')).toEqual({
      createdAt: 4_102_444_800,
      finishedAt: 4_102_444_801,
    });
  });

  it('cuts fractions of a second', async () => {
    expect(await ask({ created_at: 1_760_000_000.73 }, 'createdAt')).toEqual({ createdAt: 1_760_000_000 });
  });
});

describe("a job's hyperparameters", () => {
  it.each([
    ['missing', undefined],
    ['null', null],
    ['"auto" as a whole', 'auto'],
  ])('are null when %s', async (_, hyperparameters) => {
    expect(await ask({ hyperparameters }, HYPERPARAMETERS)).toEqual({ hyperparameters: null });
  });

  it('are null one by one when members are missing or null', async () => {
    expect(await ask({ hyperparameters: { n_epochs: 2, batch_size: null } }, HYPERPARAMETERS)).toEqual({
      hyperparameters: { nEpochs: 2, batchSize: null, learningRateMultiplier: null },
    });
  });

  it('are "auto" when the upstream says so', async () => {
    const auto = { n_epochs: 'auto', batch_size: 'auto', learning_rate_multiplier: 'auto' };
    expect(await ask({ hyperparameters: auto }, HYPERPARAMETERS)).toEqual({
      hyperparameters: { nEpochs: 'auto', batchSize: 'auto', learningRateMultiplier: 'auto' },
    });
  });

  it('are "auto" when Azure says -1', async () => {
    const auto = { n_epochs: -1, batch_size: -1, learning_rate_multiplier: -1 };
    expect(await ask({ hyperparameters: auto }, HYPERPARAMETERS)).toEqual({
      hyperparameters: { nEpochs: 'auto', batchSize: 'auto', learningRateMultiplier: 'auto' },
    });
  });

  it('are whole numbers when the upstream writes 2.0', async () => {
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

describe('what no enum lists', () => {
  it('reads an unknown status as UNKNOWN, with the raw string beside it', async () => {
    expect(await ask({ status: 'moderating' }, 'status rawStatus isTerminal')).toEqual({
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
  ])('reads the spelling %s as %s', async (wire, status, isTerminal) => {
    expect(await ask({ status: wire }, 'status rawStatus isTerminal')).toEqual({ status, rawStatus: wire, isTerminal });
  });

  it('reads an unknown method as an unknown method', async () => {
    expect(
      await ask({ method: { type: 'distillation', distillation: {} } }, 'method { __typename type rawType }'),
    ).toEqual({
      method: { __typename: 'FineTuningJobUnknownMethod', type: 'UNKNOWN', rawType: 'distillation' },
    });
  });

  it('reads an unknown integration as an unknown integration', async () => {
    const integrations = [{ type: 'mlflow', mlflow: { experiment: 'a' } }];
    expect(await ask({ integrations }, 'integrations { __typename type rawType }')).toEqual({
      integrations: [{ __typename: 'FineTuningJobUnknownIntegration', type: 'UNKNOWN', rawType: 'mlflow' }],
    });
  });

  it('reads integrations null as none', async () => {
    expect(await ask({ integrations: null }, 'integrations { type }')).toEqual({ integrations: [] });
  });
});

describe('a grader', () => {
  const grader = async (body: unknown) => {
    const method = { type: 'reinforcement', reinforcement: { grader: body } };
    const answer = (await ask({ method }, METHOD)) as { method: { grader: unknown } };
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
    expect(await grader({ type: 'vibes', name: 'mood' })).toMatchObject({
      __typename: 'UnknownGrader',
      type: 'UNKNOWN',
      rawType: 'vibes',
      name: 'mood',
    });
  });

  it('without what its type requires is an UnknownGrader', async () => {
    expect(await grader({ type: 'python', name: 'script' })).toMatchObject({
      __typename: 'UnknownGrader',
      rawType: 'python',
      name: 'script',
    });
  });

  it.each([
    ['a map', { exact: check }],
    ['a list', [check]],
    ['one grader', check],
  ])('of type multi holds named graders, written as %s', async (_, graders) => {
    expect(await grader(multi(graders))).toMatchObject({
      __typename: 'MultiGrader',
      calculateOutput: 'exact',
      graders: [{ name: 'exact', grader: checkInGraph }],
    });
  });

  it('of each known type shows all that it holds', async () => {
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

describe('the other members of a job', () => {
  it('reads the hyperparameters of every method', async () => {
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
      await ask({ method: { type: 'dpo', dpo: { hyperparameters: { n_epochs: 2, beta: 0.1 } } } }, selection),
    ).toEqual({
      method: { hyperparameters: { nEpochs: 2, beta: 0.1 } },
    });
    expect(
      await ask({ method: { type: 'reinforcement', reinforcement: { hyperparameters: reinforcement } } }, selection),
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

  it('answers for a body without what the document requires, as Azure sends it', async () => {
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

  it('carries token counts past 2^31', async () => {
    expect(await ask({ trained_tokens: 2 ** 53 - 1 }, 'trainedTokens')).toEqual({ trainedTokens: 2 ** 53 - 1 });
  });

  it('takes the suffix from where OpenAI and where others put it', async () => {
    expect(await ask({ user_provided_suffix: 'mine' }, 'suffix')).toEqual({ suffix: 'mine' });
    expect(await ask({ user_provided_suffix: undefined, suffix: 'theirs' }, 'suffix')).toEqual({ suffix: 'theirs' });
  });

  it('gives a pair of metadata whatever its key', async () => {
    const metadata = JSON.parse('{ "__proto__": "a", "constructor": "b" }');
    expect(await ask({ metadata }, 'metadata { key value }')).toEqual({
      metadata: [
        { key: '__proto__', value: 'a' },
        { key: 'constructor', value: 'b' },
      ],
    });
  });

  it('gives metadata as pairs, and a value that is no string as its JSON', async () => {
    expect(await ask({ metadata: { team: 'a', retries: 3 } }, 'metadata { key value }')).toEqual({
      metadata: [
        { key: 'team', value: 'a' },
        { key: 'retries', value: '3' },
      ],
    });
  });

  it('keeps unknown members in raw, and the known ones unrepaired', async () => {
    const members = { usage_metrics: { gpu_hours: 1.5 }, error: {}, hyperparameters: { n_epochs: -1, lora_r: 8 } };
    expect(await ask(members, 'raw')).toEqual({ raw: jobBody({ ...members, id: 'ftjob-quirk' }) });
  });
});

describe('a decoration that cannot be read', () => {
  it.each([
    ['finished_at', 'finishedAt', '2026-01-01T00:00:00Z', null],
    ['trained_tokens', 'trainedTokens', 1.5, null],
    ['organization_id', 'organizationId', 7, null],
    ['user_provided_suffix', 'suffix', 7, null],
    ['fine_tuned_model', 'fineTunedModelId', {}, null],
    ['validation_file', 'validationFileId', [], null],
    ['result_files', 'resultFileIds', [{ id: 'file-1' }], []],
    ['seed', 'seed', 2 ** 40, null],
  ])('does not cost the job: %s', async (member, field, value, read) => {
    expect(await ask({ [member]: value }, `id ${field} raw`)).toEqual({
      id: 'ftjob-quirk',
      [field]: read,
      raw: expect.objectContaining({ [member]: value }),
    });
  });

  it.each([1e20, 2 ** 53, -1])('is null when it is no time that JSON readers would keep: %s', async (finished_at) => {
    await using upstream = await startUpstream();
    await using gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl });
    upstream.onJob(jobBody({ id: 'ftjob-1', finished_at }));
    expect(await gateway.query('{ fineTuningJob(id: "ftjob-1") { id finishedAt } }')).toEqual({
      data: { fineTuningJob: { id: 'ftjob-1', finishedAt: null } },
    });
  });
});

describe('a body that is no job', () => {
  it.each([
    ['has no id', { id: undefined }, 'id'],
    ['has a number for a status', { status: 7 }, 'status'],
    ['has no model', { model: undefined }, 'model'],
    ['has no creation time', { created_at: null }, 'created_at'],
  ])('is UPSTREAM_INVALID_RESPONSE when it %s, and the log names the member', async (_, members, member) => {
    await using upstream = await startUpstream();
    await using gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl });
    upstream.on('/fine_tuning/jobs/ftjob-bad', jobBody(members));
    const { data, errors } = await gateway.query('{ fineTuningJob(id: "ftjob-bad") { id } gateway { version } }');
    expect(data).toMatchObject({ fineTuningJob: null, gateway: { version: expect.any(String) } });
    expect(errors?.[0]).toMatchObject({
      path: ['fineTuningJob'],
      extensions: { code: 'UPSTREAM_INVALID_RESPONSE', upstreamStatus: 200 },
    });
    expect(gateway.log).toContainEqual(expect.objectContaining({ detail: expect.stringContaining(`${member}:`) }));
  });

  it('is UPSTREAM_INVALID_RESPONSE when it is another job than asked for', async () => {
    await using upstream = await startUpstream();
    await using gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl });
    upstream.on('/fine_tuning/jobs/ftjob-mine', jobBody({ id: 'ftjob-yours' }));
    const { data, errors } = await gateway.query('{ fineTuningJob(id: "ftjob-mine") { id } }');
    expect(data).toEqual({ fineTuningJob: null });
    expect(errors?.[0]?.extensions['code']).toBe('UPSTREAM_INVALID_RESPONSE');
  });

  it('fails alone in a list', async () => {
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
