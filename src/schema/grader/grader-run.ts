import { validateGraderSample } from '../../upstream/requests/grader-request.ts';
import type { GraderRun, GraderRunMetadata } from '../../upstream/resources/grader-run.ts';
import { builder } from '../core/builder.ts';
import { InvalidInput } from '../mutation/failure.ts';
import { InvalidInputError } from '../mutation/failure-types.ts';
import { defineMutation } from '../mutation/mutation.ts';
import { encodeGrader, validatedBody } from './grader-encoder.ts';
import { GraderInput } from './grader-input.ts';

const GraderRunMetadataType = builder.objectRef<GraderRunMetadata>('GraderRunMetadata').implement({
  description: 'Details of a grader run. Each field is null when the upstream does not report it.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'The name of the grader, such as `accuracy`.' }),
    type: t.exposeString('type', {
      description: 'The type of the grader as the upstream spells it, such as `string_check`.',
    }),
    errors: t.expose('errors', {
      type: 'JSON',
      description:
        'The possible errors, in the form of the REST API: an object from names such as `formula_parse_error` to whether the error occurred, with `…_details` beside.',
    }),
    executionTime: t.float({
      description: 'Duration of the run in seconds.',
      resolve: ({ execution_time }) => execution_time,
    }),
    scores: t.expose('scores', { type: 'JSON', description: 'An object from the names of graders to their scores.' }),
    tokenUsage: t.field({
      type: 'JSON',
      description: 'The tokens that models used, in the form of the REST API: a number or an object.',
      resolve: ({ token_usage }) => token_usage,
    }),
    sampledModelName: t.string({
      description: 'The model that was prompted. Null also for graders without a model.',
      resolve: ({ sampled_model_name }) => sampled_model_name,
    }),
  }),
});

const RunGraderInput = builder.inputType('RunGraderInput', {
  description: 'The grader to run, and the sample to grade.',
  fields: (t) => ({
    grader: t.field({ type: GraderInput, required: true, description: 'The grader.' }),
    modelSample: t.string({
      required: true,
      description:
        'The output of a model to grade. Templates refer to it as `{{sample.output_text}}`, and as `{{sample.output_json}}` when it is JSON.',
    }),
    item: t.field({
      type: 'JSON',
      description:
        'The dataset example of the output, an object such as `{"answer": "Paris"}`. Templates refer to its members, as in `{{item.answer}}`. By default, and when null, none.',
    }),
  }),
});

defineMutation({
  name: 'runGrader',
  role: 'operator',
  description:
    'Runs a grader on a sample. Graders that prompt models cost money, so each caller has a daily quota of runs.',
  cost: { calls: 1 },
  input: RunGraderInput,
  result: 'The score of the sample, or the reason why the grader was not run.',
  success: {
    description: 'The upstream ran the grader. `metadata.errors` says whether the grader itself failed.',
    affectedId: (_run: GraderRun) => undefined,
    fields: (t) => ({
      reward: t.exposeFloat('reward', { description: 'The score. Null when the upstream does not report it.' }),
      metadata: t.expose('metadata', {
        type: GraderRunMetadataType,
        description: 'Details of the run. Null when the upstream does not report them.',
      }),
      subRewards: t.field({
        type: 'JSON',
        description:
          'The scores of the graders of a multi grader: an object from their names to numbers, as in the REST API. Null when the upstream does not report them.',
        resolve: ({ sub_rewards }) => sub_rewards,
      }),
      modelGraderTokenUsagePerModel: t.field({
        type: 'JSON',
        description:
          'The tokens that models used: an object from ids of models to their usage, as in the REST API. Null when the upstream does not report it.',
        resolve: ({ model_grader_token_usage_per_model }) => model_grader_token_usage_per_model,
      }),
    }),
  },
  failures: [InvalidInputError],
  async run({ grader, modelSample: model_sample, item }, { commands, quota, gateway }) {
    const encoded = encodeGrader(grader);
    const sample = { grader: encoded.wire, model_sample, item };
    const validated = validatedBody(encoded, validateGraderSample(sample, gateway.limits));
    if (validated instanceof InvalidInput) return validated;
    return await quota.spend('graderRun', () => commands.graders.run(validated.body));
  },
});
