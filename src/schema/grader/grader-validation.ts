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
  fields: (t) => ({ grader: t.field({ type: GraderInput, required: true, description: 'The grader.' }) }),
});

defineMutation({
  name: 'validateGrader',
  role: 'operator',
  description: 'Validates a grader by the upstream. Nothing is created.',
  cost: { calls: 1 },
  input: ValidateGraderInput,
  result: 'The valid grader, or the reason why the grader is not valid or was not validated.',
  success: {
    description: 'The grader is valid.',
    affectedId: (_grader: Grader) => undefined,
    fields: (t) => ({
      grader: t.field({
        type: GraderInterface,
        nullable: false,
        description: 'The grader, as in the response of the upstream.',
        resolve: (grader) => grader,
      }),
    }),
  },
  failures: [InvalidInputError],
  async run({ grader }, { commands, gateway }) {
    const encoded = encodeGrader(grader);
    const validated = validatedBody(encoded, validateGrader(encoded.wire, gateway.limits));
    return validated instanceof InvalidInput ? validated : await commands.graders.validate(validated.body);
  },
});
