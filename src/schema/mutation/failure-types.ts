import { builder } from '../core/builder.ts';
import { ErrorCodeType } from '../core/errors.ts';
import { jobStatus } from '../core/job-status.ts';
import {
  Conflict,
  type Failure,
  Forbidden,
  type InputIssue,
  InvalidInput,
  NotFound,
  OutcomeUnknown,
  QuotaExceeded,
  UpstreamFailure,
} from './failure.ts';

// The failures of mutations, as clients see them.

export const ErrorInterface = builder.interfaceRef<Failure>('Error').implement({
  description: 'Why a mutation did not do what it was asked. Every failure is one.',
  fields: (t) => ({
    message: t.exposeString('message', { nullable: false, description: 'For people.' }),
    code: t.expose('code', { type: ErrorCodeType, nullable: false, description: 'For machines.' }),
  }),
});

const InputIssueType = builder.objectRef<InputIssue>('InputIssue').implement({
  description: 'One thing that is wrong with an input.',
  fields: (t) => ({
    path: t.exposeStringList('path', {
      nullable: false,
      description:
        'Where, from the outside in: names of input fields, places in lists (from 0), and below JSON its members. Empty for the input as a whole.',
    }),
    message: t.exposeString('message', { nullable: false, description: 'What was expected there.' }),
  }),
});

export const InvalidInputError = builder.objectType(InvalidInput, {
  name: 'InvalidInputError',
  isTypeOf: (value) => value instanceof InvalidInput,
  description: 'The input has values that are not accepted; nothing was sent to the upstream.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    issues: t.field({
      type: [InputIssueType],
      nullable: false,
      description: 'All that is wrong with it; at least one.',
      resolve: ({ issues }) => issues,
    }),
  }),
});

export const NotFoundError = builder.objectType(NotFound, {
  name: 'NotFoundError',
  isTypeOf: (value) => value instanceof NotFound,
  description: 'What was to be changed does not exist, or does not any more.',
  interfaces: [ErrorInterface],
});

export const ConflictError = builder.objectType(Conflict, {
  name: 'ConflictError',
  isTypeOf: (value) => value instanceof Conflict,
  description: 'What was asked does not go together with what there is; nothing was done.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    status: t.field({
      type: jobStatus.type,
      nullable: false,
      description:
        'The status of the job that stands in the way: the one to be steered, or the one that was made under the `idempotencyKey`.',
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

const UPSTREAM_MESSAGE =
  'What the upstream itself says is wrong with the request, for people; null when it says nothing about that.';

const QuotaExceededError = builder.objectType(QuotaExceeded, {
  name: 'QuotaExceededError',
  isTypeOf: (value) => value instanceof QuotaExceeded,
  description: 'As much was done as may be done; nothing more was.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    retryAfterSeconds: t.exposeInt('retryAfterSeconds', {
      description: 'After how many seconds it may be tried again; null when that is not known, or never.',
    }),
    upstreamMessage: t.string({ description: UPSTREAM_MESSAGE, resolve: ({ cause }) => cause?.upstreamMessage }),
  }),
});

const OutcomeUnknownError = builder.objectType(OutcomeUnknown, {
  name: 'OutcomeUnknownError',
  isTypeOf: (value) => value instanceof OutcomeUnknown,
  description:
    'Nobody knows whether the upstream did it: after it had been asked the connection broke, or it failed, or gave no answer in time. `message` says what to do before trying again.',
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
      resolve: ({ cause }) => cause.facts.upstreamStatus,
    }),
    upstreamRequestId: t.string({
      description: "The upstream's own id of the request, for a question to its operator.",
      resolve: ({ cause }) => cause.facts.upstreamRequestId,
    }),
    upstreamMessage: t.string({ description: UPSTREAM_MESSAGE, resolve: ({ cause }) => cause.upstreamMessage }),
    retryAfterSeconds: t.int({
      description: 'After how many seconds it may be tried again; null when the upstream did not say.',
      resolve: ({ cause }) => cause.facts.retryAfterSeconds,
    }),
    isRetryable: t.boolean({
      nullable: false,
      description: 'Whether the same may succeed soon.',
      resolve: ({ cause }) => cause.retry.isRetryable,
    }),
  }),
});

/** What can come of any mutation, beside NotFoundError where it is about something that is there. */
export const COMMON_FAILURES = [ForbiddenError, QuotaExceededError, OutcomeUnknownError, UpstreamErrorType] as const;

/** What can come of a mutation about a job that is there. */
export const FAILURES = [NotFoundError, ConflictError, ...COMMON_FAILURES] as const;
