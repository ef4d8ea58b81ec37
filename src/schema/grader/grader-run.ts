import { validateGraderSample } from '../../upstream/requests/grader-request.ts';
import type { GraderRun, GraderRunMetadata } from '../../upstream/resources/grader-run.ts';
import { builder } from '../core/builder.ts';
import { cost } from '../core/field-cost.ts';
import { InvalidInput } from '../mutation/failure.ts';
import { COMMON_FAILURES, InvalidInputError } from '../mutation/failure-types.ts';
import { resolveMutation } from '../mutation/mutation.ts';
import { acceptedOf, encodeGrader } from './grader-encoder.ts';
import { GraderInput } from './grader-input.ts';

/** A grader that has judged a sample. */
class Ran {
  readonly affectedId = undefined;
  readonly run: GraderRun;

  constructor(run: GraderRun) {
    this.run = run;
  }
}

const GraderRunMetadataType = builder.objectRef<GraderRunMetadata>('GraderRunMetadata').implement({
  description: 'What a grader tells of a run. Each is null when the upstream does not tell.',
  fields: (t) => ({
    name: t.exposeString('name', { description: "The grader's name." }),
    type: t.exposeString('type', { description: "The grader's type, as the upstream spells it." }),
    errors: t.expose('errors', {
      type: 'JSON',
      description:
        'What can go wrong, as the upstream has it: names such as `formula_parse_error` to whether it did, and `…_details`.',
    }),
    executionTime: t.float({ description: 'Seconds that it took.', resolve: ({ execution_time }) => execution_time }),
    scores: t.expose('scores', { type: 'JSON', description: 'Names of graders to their scores.' }),
    tokenUsage: t.field({
      type: 'JSON',
      description: 'Tokens that models have used: a number, or an object, as the upstream has it.',
      resolve: ({ token_usage }) => token_usage,
    }),
    sampledModelName: t.string({
      description: 'The model that was asked; null for graders that ask none.',
      resolve: ({ sampled_model_name }) => sampled_model_name,
    }),
  }),
});

const RunGraderSuccess = builder.objectType(Ran, {
  name: 'RunGraderSuccess',
  isTypeOf: (value) => value instanceof Ran,
  description: 'The grader has judged the sample. Whether it could is told by `metadata.errors`.',
  fields: (t) => ({
    reward: t.float({ description: 'The score; null when the upstream tells none.', resolve: ({ run }) => run.reward }),
    metadata: t.field({
      type: GraderRunMetadataType,
      description: 'What it tells of the run; null when the upstream does not tell.',
      resolve: ({ run }) => run.metadata,
    }),
    subRewards: t.field({
      type: 'JSON',
      description: 'Names of the graders in a multi grader to their scores, as the upstream has them.',
      resolve: ({ run }) => run.sub_rewards,
    }),
    modelGraderTokenUsagePerModel: t.field({
      type: 'JSON',
      description: 'Names of the models that were asked to the tokens that they have used, as the upstream has them.',
      resolve: ({ run }) => run.model_grader_token_usage_per_model,
    }),
  }),
});

const RunGraderInput = builder.inputType('RunGraderInput', {
  description: 'Which grader is to be run, and on what.',
  fields: (t) => ({
    grader: t.field({ type: GraderInput, required: true, description: 'The grader.' }),
    modelSample: t.string({
      required: true,
      description:
        "A model's output, which templates name `{{sample.output_text}}`, and `{{sample.output_json}}` if it is JSON.",
    }),
    item: t.field({
      type: 'JSON',
      description: 'The example that it answers, an object, whose members templates name as `{{item.answer}}`.',
    }),
  }),
});

builder.mutationField('runGrader', (t) =>
  t.field({
    type: builder.unionType('RunGraderResult', {
      description: 'What came of it.',
      types: [RunGraderSuccess, InvalidInputError, ...COMMON_FAILURES],
    }),
    nullable: false,
    description:
      'Runs a grader on a sample, which may ask models, for money: each caller may do so only so often in a day. It needs the role `operator`.',
    args: { input: t.arg({ type: RunGraderInput, required: true, description: 'Which grader, and on what.' }) },
    extensions: cost({ calls: 1 }),
    resolve: resolveMutation<typeof RunGraderInput.$inferInput, Ran, InvalidInput>(
      'runGrader',
      'operator',
      async ({ grader, modelSample: model_sample, item }, { commands, quota, gateway }) => {
        const draft = encodeGrader(grader);
        const outcome = acceptedOf(
          draft,
          validateGraderSample({ grader: draft.wire, model_sample, item }, gateway.limits),
        );
        if (outcome instanceof InvalidInput) return outcome;
        return new Ran(await quota.spend('graderRun', () => commands.graders.run(outcome.body)));
      },
    ),
  }),
);
