import { builder } from './builder.ts';
import { ErrorCodeType } from './errors.ts';
import {
  Conflict,
  type Failure,
  Forbidden,
  NotFound,
  OutcomeUnknown,
  QuotaExceeded,
  UpstreamFailure,
} from './failure.ts';
import { jobStatus } from './status.ts';

// The failures of mutations, as clients see them.

const ErrorInterface = builder.interfaceRef<Failure>('Error').implement({
  description: 'Why a mutation did not do what it was asked. Every failure is one.',
  fields: (t) => ({
    message: t.exposeString('message', { nullable: false, description: 'For people.' }),
    code: t.expose('code', { type: ErrorCodeType, nullable: false, description: 'For machines.' }),
  }),
});

const NotFoundError = builder.objectType(NotFound, {
  name: 'NotFoundError',
  isTypeOf: (value) => value instanceof NotFound,
  description: 'What was to be changed does not exist, or does not any more.',
  interfaces: [ErrorInterface],
});

const ConflictError = builder.objectType(Conflict, {
  name: 'ConflictError',
  isTypeOf: (value) => value instanceof Conflict,
  description: 'What was asked does not go together with what there is; nothing was done.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    status: t.field({
      type: jobStatus.type,
      nullable: false,
      description: 'The status of the job, which stands in the way.',
      resolve: ({ rawStatus }) => jobStatus.read(rawStatus),
    }),
    rawStatus: t.exposeString('rawStatus', { nullable: false, description: '`status` as the upstream spells it.' }),
  }),
});

const ForbiddenError = builder.objectType(Forbidden, {
  name: 'ForbiddenError',
  isTypeOf: (value) => value instanceof Forbidden,
  description: 'The caller may not do this, or nobody may here; nothing was done, nor looked for.',
  interfaces: [ErrorInterface],
});

const QuotaExceededError = builder.objectType(QuotaExceeded, {
  name: 'QuotaExceededError',
  isTypeOf: (value) => value instanceof QuotaExceeded,
  description: 'As much was done as may be done; nothing more was.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    retryAfterSeconds: t.exposeInt('retryAfterSeconds', {
      description: 'After how many seconds it may be tried again; null when that is not known.',
    }),
  }),
});

const OutcomeUnknownError = builder.objectType(OutcomeUnknown, {
  name: 'OutcomeUnknownError',
  isTypeOf: (value) => value instanceof OutcomeUnknown,
  description:
    'The connection to the upstream broke after it had been asked: nobody knows whether it did it. Look before you try again.',
  interfaces: [ErrorInterface],
});

const UpstreamErrorType = builder.objectType(UpstreamFailure, {
  name: 'UpstreamError',
  isTypeOf: (value) => value instanceof UpstreamFailure,
  description: 'The upstream did not do it, for a reason of its own; `code` says which.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    upstreamStatus: t.int({
      description: 'The HTTP status of its answer; null when there was none.',
      resolve: ({ error }) => error.facts.upstreamStatus,
    }),
    upstreamRequestId: t.string({
      description: "The upstream's own id of the request, for a question to its operator.",
      resolve: ({ error }) => error.facts.upstreamRequestId,
    }),
    retryAfterSeconds: t.int({
      description: 'After how many seconds it may be tried again, if the upstream said so.',
      resolve: ({ error }) => error.facts.retryAfterSeconds,
    }),
    isRetryable: t.boolean({
      nullable: false,
      description: 'Whether the same may succeed soon.',
      resolve: ({ error }) => error.retry.isWorthwhile,
    }),
  }),
});

/** What can come of a mutation about something that is there. */
export const FAILURES = [
  NotFoundError,
  ConflictError,
  ForbiddenError,
  QuotaExceededError,
  OutcomeUnknownError,
  UpstreamErrorType,
] as const;
