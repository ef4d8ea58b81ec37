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

// The GraphQL types of the failures.

export const ErrorInterface = builder.interfaceRef<Failure>('Error').implement({
  description:
    'The reason why a mutation did not succeed. Every failure of a mutation implements it: select `... on Error { code message }`.',
  fields: (t) => ({
    message: t.exposeString('message', {
      nullable: false,
      description: 'The reason for people: the problem, and what to do. The text can change; programs read `code`.',
    }),
    code: t.expose('code', {
      type: ErrorCodeType,
      nullable: false,
      description: 'The reason for programs, such as `NOT_FOUND`.',
    }),
  }),
});

const InputIssueType = builder.objectRef<InputIssue>('InputIssue').implement({
  description: 'A problem of an input.',
  fields: (t) => ({
    path: t.exposeStringList('path', {
      nullable: false,
      description:
        'The position in the input, from the outside in: names of input fields, indices in lists (from 0), and names of JSON members, such as `["metadata", "0", "key"]`. Empty for the input as a whole.',
    }),
    message: t.exposeString('message', {
      nullable: false,
      description: 'The problem and the expected value.',
    }),
  }),
});

export const InvalidInputError = builder.objectType(InvalidInput, {
  name: 'InvalidInputError',
  isTypeOf: (value) => value instanceof InvalidInput,
  description: 'The input is invalid. Nothing was sent to the upstream.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    issues: t.field({
      type: [InputIssueType],
      nullable: false,
      description: 'All problems of the input, at least one.',
      resolve: ({ issues }) => issues,
    }),
  }),
});

export const NotFoundError = builder.objectType(NotFound, {
  name: 'NotFoundError',
  isTypeOf: (value) => value instanceof NotFound,
  description: 'The object of the mutation does not exist or was deleted.',
  interfaces: [ErrorInterface],
});

export const ConflictError = builder.objectType(Conflict, {
  name: 'ConflictError',
  isTypeOf: (value) => value instanceof Conflict,
  description:
    'The current state does not allow the mutation, for example the status of the job. Nothing changed. When the upstream refuses for another reason, the failure is an `UpstreamError`.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    status: t.field({
      type: jobStatus.type,
      nullable: false,
      description:
        'The status of the job that causes the conflict: the job of the mutation, or the job that was created with the same `idempotencyKey`.',
      resolve: ({ rawStatus }) => jobStatus.read(rawStatus),
    }),
    rawStatus: t.exposeString('rawStatus', {
      nullable: false,
      description: '`status` as the upstream spells it, such as `succeeded`.',
    }),
  }),
});

const ForbiddenError = builder.objectType(Forbidden, {
  name: 'ForbiddenError',
  isTypeOf: (value) => value instanceof Forbidden,
  description:
    'The role of the caller does not allow the mutation, or the gateway does not allow mutations at all. Nothing changed, and nothing was read.',
  interfaces: [ErrorInterface],
});

const UPSTREAM_MESSAGE =
  "The upstream's own message about the request, for people. Null when the upstream sent none, or when it is not about the request.";

const QuotaExceededError = builder.objectType(QuotaExceeded, {
  name: 'QuotaExceededError',
  isTypeOf: (value) => value instanceof QuotaExceeded,
  description:
    'A quota is used up: the credit of the upstream account, or its quota of jobs a day or at a time (`UPSTREAM_QUOTA_EXCEEDED`), or the daily quota of the caller in this gateway (`RATE_LIMITED`). Nothing changed.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    retryAfterSeconds: t.exposeInt('retryAfterSeconds', {
      description: 'Seconds to wait before a retry. Null when that is unknown, or when a retry cannot succeed.',
    }),
    upstreamMessage: t.string({ description: UPSTREAM_MESSAGE, resolve: ({ cause }) => cause?.upstreamMessage }),
  }),
});

const OutcomeUnknownError = builder.objectType(OutcomeUnknown, {
  name: 'OutcomeUnknownError',
  isTypeOf: (value) => value instanceof OutcomeUnknown,
  description:
    'The upstream did not confirm the mutation: after the request the connection broke, the upstream failed, or it did not respond in time. The mutation may or may not have taken effect. `message` says what to do before a retry.',
  interfaces: [ErrorInterface],
});

const UpstreamErrorType = builder.objectType(UpstreamFailure, {
  name: 'UpstreamError',
  isTypeOf: (value) => value instanceof UpstreamFailure,
  description: 'The upstream did not execute the mutation. `code` has the kind of reason, such as `UPSTREAM_REJECTED`.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    upstreamStatus: t.int({
      description: 'The HTTP status of the response of the upstream, such as 400. Null when there was no response.',
      resolve: ({ cause }) => cause.facts.upstreamStatus,
    }),
    upstreamRequestId: t.string({
      description:
        "The upstream's id of the request (`x-request-id`), for a question to its operator. Null when the upstream sent none.",
      resolve: ({ cause }) => cause.facts.upstreamRequestId,
    }),
    upstreamMessage: t.string({ description: UPSTREAM_MESSAGE, resolve: ({ cause }) => cause.upstreamMessage }),
    retryAfterSeconds: t.int({
      description: 'Seconds to wait before a retry. Null when the upstream did not send a time.',
      resolve: ({ cause }) => cause.facts.retryAfterSeconds,
    }),
    isRetryable: t.boolean({
      nullable: false,
      description: 'Whether a retry of the same mutation may succeed soon.',
      resolve: ({ cause }) => cause.retry.isRetryable,
    }),
  }),
});

/** The types of CommonFailure: every mutation can return them. */
export const COMMON_FAILURES = [ForbiddenError, QuotaExceededError, OutcomeUnknownError, UpstreamErrorType] as const;
