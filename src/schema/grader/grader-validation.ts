import { validateGrader } from '../../upstream/requests/grader-request.ts';
import type { Grader } from '../../upstream/resources/grader.ts';
import { builder } from '../core/builder.ts';
import { InvalidInput } from '../mutation/failure.ts';
import { InvalidInputError } from '../mutation/failure-types.ts';
import { defineMutation } from '../mutation/mutation.ts';
import { GraderInterface } from './grader.ts';
import { encodeGrader, validatedBody } from './grader-encoder.ts';
import { GraderInput } from './grader-input.ts';

const ValidateGraderInput = builder.inputType('ValidateGraderInput', {
  description: 'The grader to validate.',
  fields: (t) => ({ grader: t.field({ type: GraderInput, required: true, description: 'The grader to validate.' }) }),
});

defineMutation({
  name: 'validateGrader',
  role: 'operator',
  description: 'Asks the upstream whether it accepts a grader. Nothing is run or created.',
  cost: { calls: 1 },
  input: ValidateGraderInput,
  result: 'The valid grader, or the reason why it is not valid or could not be validated.',
  success: {
    description: 'The upstream accepts the grader.',
    affectedId: (_grader: Grader) => undefined,
    fields: (t) => ({
      grader: t.field({
        type: GraderInterface,
        nullable: false,
        description: 'The grader as the upstream returns it.',
        resolve: (grader) => grader,
      }),
    }),
  },
  failures: [InvalidInputError],
  failureCases: [
    '`InvalidInputError`: the gateway found an invalid value in the grader. A grader that only the upstream rejects returns `UpstreamError`.',
  ],
  async run({ grader }, { commands, gateway }) {
    const encoded = encodeGrader(grader);
    const validated = validatedBody(encoded, validateGrader(encoded.wire, gateway.limits));
    return validated instanceof InvalidInput ? validated : await commands.graders.validate(validated.body);
  },
});
