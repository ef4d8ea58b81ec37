import type { CreateResult } from '../../commands/idempotency/create-once.ts';
import { PAGES_PER_SEARCH } from '../../commands/idempotency/find-by-key.ts';
import type { Context } from '../../request/context.ts';
import { isOutcomeUnknown } from '../../upstream/errors/upstream-error.ts';
import type { Job } from '../../upstream/resources/job.ts';
import { Conflict, InvalidInput, OutcomeUnknown } from '../mutation/failure.ts';
import { ConflictError, InvalidInputError } from '../mutation/failure-types.ts';
import { defineMutation } from '../mutation/mutation.ts';
import { FineTuningJob } from './job.ts';
import { CreateJobInput, type CreateJobInputValue, encodeJobInput } from './job-input.ts';

/** Creates the job, or returns the job that was created with the same idempotency key. */
async function create(input: CreateJobInputValue, { commands, gateway }: Context) {
  const encoded = encodeJobInput(input, gateway.limits);
  if (encoded instanceof InvalidInput) return encoded;
  const key = input.idempotencyKey ?? null;
  try {
    return jobOrConflict(await commands.jobs.create(encoded.request, key));
  } catch (error) {
    if (isOutcomeUnknown(error)) return new OutcomeUnknown(key === null ? UNCONFIRMED : UNCONFIRMED_WITH_KEY, error);
    throw error;
  }
}

function jobOrConflict(result: CreateResult): Job | Conflict {
  if (result.kind === 'created') return result.job;
  if (result.kind === 'deleted')
    return new Conflict(
      `idempotencyKey: belongs to the job ${result.jobId}, which was deleted; use a new key.`,
      'deleted',
    );
  const { id, status } = result.job;
  return new Conflict(
    `idempotencyKey: belongs to the job ${id}, which was created with another input; use a new key for a new job.`,
    status,
  );
}

const UNCONFIRMED =
  'The upstream did not confirm that the job was created. Check fineTuningJobs before you retry; with an idempotencyKey a retry is safe.';
const UNCONFIRMED_WITH_KEY =
  'The upstream did not confirm that the job was created. Retry with the same idempotencyKey: it returns the job if it exists, or creates it from one minute later.';

/** The gateway searches for the key before the create, and again after a create that was not confirmed. */
const MAX_CALLS = { withKey: 2 * PAGES_PER_SEARCH + 1, withoutKey: 1 };
const hasKey = (input: unknown) => Object(input).idempotencyKey != null;

defineMutation({
  name: 'createFineTuningJob',
  role: 'operator',
  description:
    'Creates a job, which the upstream then starts. Training costs money: each caller has a daily quota of jobs, and the gateway never repeats the request by itself. Pass an `idempotencyKey` to make your own retries safe.',
  cost: { calls: (read) => (hasKey(read('input')) ? MAX_CALLS.withKey : MAX_CALLS.withoutKey) },
  input: CreateJobInput,
  result: 'The created job, or the reason why no job was created.',
  success: {
    description: 'The job was created now, or before with the same `idempotencyKey` and the same input.',
    affectedId: ({ id }: Job) => id,
    fields: (t) => ({
      fineTuningJob: t.field({
        type: FineTuningJob,
        nullable: false,
        description: 'The job, in its current state.',
        resolve: (job) => job,
      }),
    }),
  },
  failures: [InvalidInputError, ConflictError],
  failureCases: [
    '`InvalidInputError`: the gateway found an invalid value in the input.',
    '`ConflictError`: a job with another input, or one that was deleted, has the same `idempotencyKey`.',
  ],
  run: create,
});
