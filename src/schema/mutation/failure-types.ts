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
  Unavailable,
  UpstreamFailure,
} from './failure.ts';

// The GraphQL types of the failures.

export const ErrorInterface = builder.interfaceRef<Failure>('Error').implement({
  description:
    'The reason why a mutation did not succeed. All failures of mutations implement it: select `... on Error { code message }`.',
  fields: (t) => ({
    message: t.exposeString('message', {
      nullable: false,
      description: 'The reason for people: the problem, and what to do. The text can change: programs read `code`.',
    }),
    code: t.expose('code', {
      type: ErrorCodeType,
      nullable: false,
      description: 'The kind of failure, for programs, such as `NOT_FOUND`.',
    }),
  }),
});

const InputIssueType = builder.objectRef<InputIssue>('InputIssue').implement({
  description: 'A problem of an input: its position and what is wrong there.',
  fields: (t) => ({
    path: t.exposeStringList('path', {
      nullable: false,
      description:
        'The position in the input: the names of input fields and JSON members, and the indices in lists (from 0). For example `["metadata", "0", "key"]`. Empty for the input as a whole.',
    }),
    message: t.exposeString('message', {
      nullable: false,
      description:
        'The problem and the expected value, for people, such as `is empty; expected the id of an uploaded file, such as file-abc123`.',
    }),
  }),
});

export const InvalidInputError = builder.objectType(InvalidInput, {
  name: 'InvalidInputError',
  isTypeOf: (value) => value instanceof InvalidInput,
  description:
    'The input is invalid. Nothing was sent to the upstream. A retry with the same input fails too. The `code` is BAD_USER_INPUT.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    issues: t.field({
      type: [InputIssueType],
      nullable: false,
      description: 'The problems of the input, at least one.',
      resolve: ({ issues }) => issues,
    }),
  }),
});

export const NotFoundError = builder.objectType(NotFound, {
  name: 'NotFoundError',
  isTypeOf: (value) => value instanceof NotFound,
  description: 'The object of the mutation does not exist or was deleted. The `code` is NOT_FOUND.',
  interfaces: [ErrorInterface],
});

export const ConflictError = builder.objectType(Conflict, {
  name: 'ConflictError',
  isTypeOf: (value) => value instanceof Conflict,
  description:
    'The current state does not allow the mutation: the status of the job, or another job with the same `idempotencyKey`. Nothing changed. When the upstream refuses for another reason, the failure is an `UpstreamError`. The `code` is CONFLICT.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    status: t.field({
      type: jobStatus.type,
      nullable: false,
      description:
        'The status of the job that causes the conflict: of the job of the mutation, or of the job that was created with the same `idempotencyKey`. UNKNOWN when that job was deleted.',
      resolve: ({ rawStatus }) => jobStatus.read(rawStatus),
    }),
    rawStatus: t.exposeString('rawStatus', {
      nullable: false,
      description: '`status` as the upstream spells it, such as `succeeded`; `deleted` when the job was deleted.',
    }),
  }),
});

const ForbiddenError = builder.objectType(Forbidden, {
  name: 'ForbiddenError',
  isTypeOf: (value) => value instanceof Forbidden,
  description:
    'The role of the caller does not allow the mutation, or the gateway does not allow mutations at all. For permissions of checkpoints also: the gateway has no OPENAI_ADMIN_KEY. Nothing was sent to the upstream. The `code` is FORBIDDEN.',
  interfaces: [ErrorInterface],
});

const UPSTREAM_MESSAGE =
  'The message of the upstream about the request, for people and in its own words. Null when it sent none, and for failures that are not about the request, such as an outage.';

const QuotaExceededError = builder.objectType(QuotaExceeded, {
  name: 'QuotaExceededError',
  isTypeOf: (value) => value instanceof QuotaExceeded,
  description:
    'A quota is used up. The `code` UPSTREAM_QUOTA_EXCEEDED means the credit of the upstream account, or its quota of jobs a day or at a time; RATE_LIMITED means the daily quota of the caller in this gateway. Nothing changed.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    retryAfterSeconds: t.exposeInt('retryAfterSeconds', {
      description:
        'Seconds to wait before a retry, such as 3600. Null when that is unknown, and when the daily quota is 0, so that no retry can succeed.',
    }),
    upstreamMessage: t.string({ description: UPSTREAM_MESSAGE, resolve: ({ cause }) => cause?.upstreamMessage }),
  }),
});

const OutcomeUnknownError = builder.objectType(OutcomeUnknown, {
  name: 'OutcomeUnknownError',
  isTypeOf: (value) => value instanceof OutcomeUnknown,
  description:
    'The upstream did not confirm the mutation: after the request was sent, the connection broke, the upstream failed, or it did not respond in time. The mutation may or may not have taken effect. `message` says what to check before a retry. The `code` is OUTCOME_UNKNOWN.',
  interfaces: [ErrorInterface],
});

const UnavailableError = builder.objectType(Unavailable, {
  name: 'UnavailableError',
  isTypeOf: (value) => value instanceof Unavailable,
  description:
    'The replicas of the gateway cannot reach what they share, and this mutation needs it, such as to count toward a daily quota. It was not executed. The `code` is FLEET_UNAVAILABLE.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    retryAfterSeconds: t.exposeInt('retryAfterSeconds', {
      description: 'Seconds to wait before a retry, such as 2.',
    }),
  }),
});

const UpstreamErrorType = builder.objectType(UpstreamFailure, {
  name: 'UpstreamError',
  isTypeOf: (value) => value instanceof UpstreamFailure,
  description:
    'The upstream rejected the mutation, or the gateway could not send it. It has not taken effect. The `code` has the reason, such as UPSTREAM_REJECTED or UPSTREAM_UNAVAILABLE.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    upstreamStatus: t.int({
      description: 'The HTTP status of the response of the upstream, such as 400. Null when there was no response.',
      resolve: ({ cause }) => cause.facts.upstreamStatus,
    }),
    upstreamRequestId: t.string({
      description:
        'The id of the request in the upstream (`x-request-id`), such as `req_abc123`. Quote it in a question to the operator of the upstream. Null when the upstream sent none.',
      resolve: ({ cause }) => cause.facts.upstreamRequestId,
    }),
    upstreamMessage: t.string({ description: UPSTREAM_MESSAGE, resolve: ({ cause }) => cause.upstreamMessage }),
    retryAfterSeconds: t.int({
      description:
        'Seconds to wait before a retry, such as 20: sent by the upstream, or estimated when the gateway did not send the request. Null when unknown.',
      resolve: ({ cause }) => cause.facts.retryAfterSeconds,
    }),
    isRetryable: t.boolean({
      nullable: false,
      description:
        'Whether the upstream failed in a way that may pass soon, so that the same mutation may succeed later. A retry also makes sense when `retryAfterSeconds` is not null.',
      resolve: ({ cause }) => cause.retry.isRetryable,
    }),
  }),
});

/** The types of CommonFailure: all mutations can return them. */
export const COMMON_FAILURES = [
  ForbiddenError,
  QuotaExceededError,
  OutcomeUnknownError,
  UnavailableError,
  UpstreamErrorType,
] as const;

/** When mutations return COMMON_FAILURES, as lines of the description of a union. */
export const COMMON_CASES: readonly string[] = [
  '`ForbiddenError`: the role of the caller, or a setting of the gateway, does not allow the mutation.',
  '`QuotaExceededError`: a quota of the caller or of the upstream account is used up.',
  '`OutcomeUnknownError`: the upstream did not confirm the mutation. Check before you retry.',
  '`UnavailableError`: the replicas of the gateway cannot reach what they share. The mutation was not executed.',
  '`UpstreamError`: the upstream rejected the mutation, or could not be reached.',
];
