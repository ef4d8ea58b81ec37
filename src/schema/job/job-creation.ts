import type { CreateResult } from '../../commands/idempotency/create-once.ts';
import { PAGES_PER_SEARCH } from '../../commands/idempotency/find-by-key.ts';
import type { Context } from '../../request/context.ts';
import { isOutcomeUnknown } from '../../upstream/errors/upstream-error.ts';
import type { Job } from '../../upstream/resources/job.ts';
import { builder } from '../core/builder.ts';
import { cost } from '../core/field-cost.ts';
import { Conflict, InvalidInput, OutcomeUnknown } from '../mutation/failure.ts';
import { COMMON_FAILURES, ConflictError, InvalidInputError } from '../mutation/failure-types.ts';
import { resolveMutation } from '../mutation/mutation.ts';
import { FineTuningJob } from './job.ts';
import { type CreateJobGiven, CreateJobInput, readJobInput } from './job-input.ts';

/** A job that was made. */
class Created {
  readonly job: Job;
  readonly affectedId: string;

  constructor(job: Job) {
    this.job = job;
    this.affectedId = job.id;
  }
}

/** Makes the job, or finds the one that was made under the same key. */
async function create(given: CreateJobGiven, { commands, gateway }: Context) {
  const read = readJobInput(given, gateway.limits);
  if (read instanceof InvalidInput) return read;
  const key = given.idempotencyKey ?? null;
  try {
    return outcomeOf(await commands.jobs.create(read.request, key));
  } catch (error) {
    if (isOutcomeUnknown(error)) return new OutcomeUnknown(adviceFor(key), error);
    throw error;
  }
}

function outcomeOf(made: CreateResult): Created | Conflict {
  if (made.kind === 'created') return new Created(made.job);
  if (made.kind === 'deleted')
    return new Conflict(`The job of this idempotencyKey, ${made.jobId}, is deleted.`, 'deleted');
  const { id, status } = made.job;
  return new Conflict(`The job of this idempotencyKey, ${id}, was asked for by another input.`, status);
}

const adviceFor = (key: string | null) =>
  key === null
    ? 'Nobody knows whether the job was made: look for it before you try again.'
    : 'Nobody knows whether the job was made: try again under the same idempotencyKey.';

const CreateJobSuccess = builder.objectType(Created, {
  name: 'CreateFineTuningJobSuccess',
  isTypeOf: (value) => value instanceof Created,
  description: 'There is the job: made now, or before under the same `idempotencyKey`.',
  fields: (t) => ({
    fineTuningJob: t.field({
      type: FineTuningJob,
      nullable: false,
      description: 'The job; if it was made before, as it is now.',
      resolve: ({ job }) => job,
    }),
  }),
});

/** It is looked for before and after the create, as what came of that may not be known. */
const MAX_CALLS = { withKey: 2 * PAGES_PER_SEARCH + 1, withoutKey: 1 };
const hasKey = (input: unknown) => Object(input).idempotencyKey != null;

builder.mutationField('createFineTuningJob', (t) =>
  t.field({
    type: builder.unionType('CreateFineTuningJobResult', {
      description: 'What came of it.',
      types: [CreateJobSuccess, InvalidInputError, ConflictError, ...COMMON_FAILURES],
    }),
    nullable: false,
    description:
      'Starts a job, for money: each caller may do so only so often in a day. It is sent once: give an `idempotencyKey` to be able to try again. It needs the role `operator`.',
    args: { input: t.arg({ type: CreateJobInput, required: true, description: 'Which job.' }) },
    extensions: cost({ calls: (read) => (hasKey(read('input')) ? MAX_CALLS.withKey : MAX_CALLS.withoutKey) }),
    resolve: resolveMutation<CreateJobGiven, Created, InvalidInput | Conflict | OutcomeUnknown>(
      'createFineTuningJob',
      'operator',
      create,
    ),
  }),
);
