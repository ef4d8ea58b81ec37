import { query } from '../data/graphql-client.ts';
import { type CreateFineTuningJobInput, CreateJob } from '../operations/generated.ts';
import { formatDuration } from '../ui/formats.ts';
import type { DraftValues } from './draft/draft.ts';
import { type FieldErrors, placeIssues, placeRejection } from './draft/field-errors.ts';

/** A failure of a create. */
export interface CreateFailure {
  readonly code: string;
  readonly message: string;
  /** The next step for the user; empty when `message` has it. */
  readonly advice: string;
  readonly errors: FieldErrors;
  /** Problems of no field that the form shows. */
  readonly others: readonly string[];
  /** Whether the key belongs to another job. */
  readonly isKeyUsed: boolean;
  /** The job that has the key. */
  readonly conflictingJobId: string | null;
}

export type CreateOutcome =
  | { readonly kind: 'created'; readonly jobId: string }
  | { readonly kind: 'failed'; readonly failure: CreateFailure };

const SAFE_RETRY =
  'Press “Start the job” again. It is safe: the idempotency key stays the same, so at most one job is created, also after a reload of this page.';

export async function createJob(input: CreateFineTuningJobInput, values: DraftValues): Promise<CreateOutcome> {
  const answer = await query(CreateJob, { input });
  if (!answer.ok) {
    const { code, message, retryAfterSeconds } = answer.error;
    if (code === 'NETWORK') return failed({ code, message: NO_RESPONSE, advice: SAFE_RETRY });
    return failed({ code, message, advice: waitAdvice(retryAfterSeconds) });
  }
  const result = answer.data.createFineTuningJob;
  switch (result.__typename) {
    case 'CreateFineTuningJobSuccess':
      return { kind: 'created', jobId: result.fineTuningJob.id };
    case 'InvalidInputError':
      return failed({ ...result, ...placeIssues(result.issues, values), message: INVALID });
    case 'ConflictError':
      return failed({ ...result, isKeyUsed: true, conflictingJobId: result.conflictingJob?.id ?? null });
    case 'OutcomeUnknownError':
      return failed({ ...result, advice: SAFE_RETRY });
    case 'UnavailableError':
      return failed({ ...result, advice: `Nothing was started. ${waitAdvice(result.retryAfterSeconds)}` });
    case 'QuotaExceededError':
      return failed({ ...result, advice: waitAdvice(result.retryAfterSeconds), others: addedText(result) });
    case 'UpstreamError': {
      const advice = waitAdvice(result.retryAfterSeconds);
      const errors = REJECTIONS.has(result.code) ? placeRejection(result.upstreamMessage, values) : {};
      if (Object.keys(errors).length > 0) return failed({ ...result, advice, errors, message: REJECTED });
      return failed({ ...result, advice, others: addedText(result) });
    }
    case 'ForbiddenError':
      return failed(result);
  }
}

const INVALID = 'Nothing was started. Some values are not valid: see the marked fields.';

const REJECTED = 'Nothing was started. The upstream rejected a value: see the marked field.';
const NO_RESPONSE = 'The gateway did not respond, so the job may or may not be started.';

/** Codes of an upstream that has read the request: its message can be about a value. */
const REJECTIONS = new Set(['UPSTREAM_REJECTED', 'UPSTREAM_FORBIDDEN']);

/** The sentence of the upstream, unless the message has it already. */
const addedText = ({ message, upstreamMessage }: { message: string; upstreamMessage: string | null }) =>
  upstreamMessage === null || message.includes(upstreamMessage) ? [] : [upstreamMessage];

const waitAdvice = (seconds: number | null) =>
  seconds === null ? '' : `Wait ${formatDuration(seconds)}, then press “Start the job” again.`;

const NO_DETAILS = { advice: '', errors: {}, others: [], isKeyUsed: false, conflictingJobId: null };

function failed(failure: Partial<CreateFailure> & Pick<CreateFailure, 'code' | 'message'>): CreateOutcome {
  return { kind: 'failed', failure: { ...NO_DETAILS, ...failure } };
}

/** The failure of values that cannot be sent. */
export const invalidValues = (errors: FieldErrors): CreateFailure => ({
  ...NO_DETAILS,
  code: 'BAD_USER_INPUT',
  message: INVALID,
  errors,
});

const MAY_BE_CREATED = new Set(['NETWORK', 'OUTCOME_UNKNOWN']);

/** Whether a failure stays when the user changes a value: a retry has to be one of the same job. */
export const outlivesChanges = ({ code, isKeyUsed }: CreateFailure): boolean => isKeyUsed || MAY_BE_CREATED.has(code);
