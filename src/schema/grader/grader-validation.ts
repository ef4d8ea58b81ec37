import { validateGrader } from '../../upstream/requests/grader-request.ts';
import type { Grader } from '../../upstream/resources/grader.ts';
import { builder } from '../core/builder.ts';
import { cost } from '../core/field-cost.ts';
import { InvalidInput } from '../mutation/failure.ts';
import { COMMON_FAILURES, InvalidInputError } from '../mutation/failure-types.ts';
import { resolveMutation } from '../mutation/mutation.ts';
import { GraderInterface } from './grader.ts';
import { acceptedOf, encodeGrader } from './grader-encoder.ts';
import { GraderInput } from './grader-input.ts';

/** A grader that the upstream accepts. */
class Validated {
  readonly affectedId = undefined;
  readonly grader: Grader;

  constructor(grader: Grader) {
    this.grader = grader;
  }
}

const ValidateGraderSuccess = builder.objectType(Validated, {
  name: 'ValidateGraderSuccess',
  isTypeOf: (value) => value instanceof Validated,
  description: 'The upstream accepts the grader.',
  fields: (t) => ({
    grader: t.expose('grader', {
      type: GraderInterface,
      nullable: false,
      description: 'The grader, as the upstream understands it.',
    }),
  }),
});

const ValidateGraderInput = builder.inputType('ValidateGraderInput', {
  description: 'Which grader is to be checked.',
  fields: (t) => ({ grader: t.field({ type: GraderInput, required: true, description: 'The grader.' }) }),
});

builder.mutationField('validateGrader', (t) =>
  t.field({
    type: builder.unionType('ValidateGraderResult', {
      description: 'What came of it.',
      types: [ValidateGraderSuccess, InvalidInputError, ...COMMON_FAILURES],
    }),
    nullable: false,
    description: 'Asks the upstream whether it accepts a grader; nothing is made of it. It needs the role `operator`.',
    args: { input: t.arg({ type: ValidateGraderInput, required: true, description: 'Which grader.' }) },
    extensions: cost({ calls: 1 }),
    resolve: resolveMutation<typeof ValidateGraderInput.$inferInput, Validated, InvalidInput>(
      'validateGrader',
      'operator',
      async ({ grader }, { commands, gateway }) => {
        const draft = encodeGrader(grader);
        const outcome = acceptedOf(draft, validateGrader(draft.wire, gateway.limits));
        return outcome instanceof InvalidInput ? outcome : new Validated(await commands.graders.validate(outcome.body));
      },
    ),
  }),
);
