import { validateGraderSample } from '../../upstream/requests/grader-request.ts';
import type { GraderRun, GraderRunMetadata } from '../../upstream/resources/grader-run.ts';
import { builder } from '../core/builder.ts';
import { InvalidInput } from '../mutation/failure.ts';
import { InvalidInputError } from '../mutation/failure-types.ts';
import { defineMutation } from '../mutation/mutation.ts';
import { encodeGrader, validatedBody } from './grader-encoder.ts';
import { GraderInput } from './grader-input.ts';

const GraderRunMetadataType = builder.objectRef<GraderRunMetadata>('GraderRunMetadata').implement({
  description: 'Details of a grader run. A field is null when the upstream does not report it.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'The name of the grader, such as `accuracy`.' }),
    type: t.exposeString('type', {
      description: 'The type of the grader as the upstream spells it, such as `string_check`.',
    }),
    errors: t.expose('errors', {
      type: 'JSON',
      description:
        'The errors of the grader, an object in the form of the REST API, such as `{"formula_parse_error": false, "python_grader_runtime_error": true, "python_grader_runtime_error_details": "…"}`. A member is true when that error occurred.',
    }),
    executionTime: t.float({
      description: 'Duration of the run in seconds, such as 0.5.',
      resolve: ({ execution_time }) => execution_time,
    }),
    scores: t.expose('scores', {
      type: 'JSON',
      description: 'The scores of the graders by their names, such as `{"accuracy": 1, "style": 0.5}`.',
    }),
    tokenUsage: t.field({
      type: 'JSON',
      description: 'The number of tokens that models used, or an object with such numbers, as in the REST API.',
      resolve: ({ token_usage }) => token_usage,
    }),
    sampledModelName: t.string({
      description: 'The model that was prompted, such as `gpt-4.1-mini`. Also null for graders that prompt no model.',
      resolve: ({ sampled_model_name }) => sampled_model_name,
    }),
  }),
});

const RunGraderInput = builder.inputType('RunGraderInput', {
  description: 'The grader to run, and the sample to grade.',
  fields: (t) => ({
    grader: t.field({ type: GraderInput, required: true, description: 'The grader to run.' }),
    modelSample: t.string({
      required: true,
      description:
        'The output to grade, such as `The capital is Paris.`. Templates refer to it as `{{sample.output_text}}` and, when it is JSON, as `{{sample.output_json}}`.',
    }),
    item: t.field({
      type: 'JSON',
      description:
        'The example that the output belongs to, an object such as `{"answer": "Paris"}`. Templates refer to its members, as in `{{item.answer}}`. By default, and when null, none.',
    }),
  }),
});

defineMutation({
  name: 'runGrader',
  role: 'operator',
  description:
    'Runs a grader on one output of a model, to try the grader. Graders that prompt models cost money: each caller has a daily quota of runs.',
  cost: { calls: 1 },
  input: RunGraderInput,
  result: 'The score of the output, or the reason why there is none.',
  success: {
    description: 'The upstream ran the grader. Read `metadata.errors` too: the grader itself can have failed.',
    affectedId: (_run: GraderRun) => undefined,
    fields: (t) => ({
      reward: t.exposeFloat('reward', {
        description: 'The score of the output, such as 0.75. Null when the upstream does not report it.',
      }),
      metadata: t.expose('metadata', {
        type: GraderRunMetadataType,
        description: 'Details of the run. Null when the upstream does not report them.',
      }),
      subRewards: t.field({
        type: 'JSON',
        description:
          'The scores of the graders of a multi grader by their names, such as `{"accuracy": 1, "style": 0.5}`. Null when the upstream does not report them.',
        resolve: ({ sub_rewards }) => sub_rewards,
      }),
      modelGraderTokenUsagePerModel: t.field({
        type: 'JSON',
        description:
          'The tokens that models used: an object with the usage of each model under its id, in the form of the REST API. Null when the upstream does not report it.',
        resolve: ({ model_grader_token_usage_per_model }) => model_grader_token_usage_per_model,
      }),
    }),
  },
  failures: [InvalidInputError],
  failureCases: ['`InvalidInputError`: the gateway found an invalid value in the grader or in `item`.'],
  async run({ grader, modelSample: model_sample, item }, { commands, quota, gateway }) {
    const encoded = encodeGrader(grader);
    const sample = { grader: encoded.wire, model_sample, item };
    const validated = validatedBody(encoded, validateGraderSample(sample, gateway.limits));
    if (validated instanceof InvalidInput) return validated;
    return await quota.spend('graderRun', () => commands.graders.run(validated.body));
  },
});
