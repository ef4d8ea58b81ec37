import { builder } from './builder.ts';
import { ErrorCodeType } from './errors.ts';
import {
  Conflict,
  type Failure,
  Forbidden,
  InvalidInput,
  type Issue,
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

const InputIssue = builder.objectRef<Issue>('InputIssue').implement({
  description: 'Something that is wrong with an input.',
  fields: (t) => ({
    path: t.exposeStringList('path', {
      nullable: false,
      description: 'Where, from the argument on: `["input", "method", "supervised", "hyperparameters", "nEpochs"]`.',
    }),
    message: t.exposeString('message', { nullable: false, description: 'What was expected there.' }),
  }),
});

export const InvalidInputError = builder.objectType(InvalidInput, {
  name: 'InvalidInputError',
  isTypeOf: (value) => value instanceof InvalidInput,
  description: 'The input is not one that can be right; nothing was done.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    issues: t.field({
      type: [InputIssue],
      nullable: false,
      description: 'All that is wrong with it.',
      resolve: ({ issues }) => [...issues],
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
      description: 'The status of the job, when that is what stands in the way.',
      resolve: ({ rawStatus }) => (rawStatus === null ? null : jobStatus.read(rawStatus)),
    }),
    rawStatus: t.exposeString('rawStatus', { description: '`status` as the upstream spells it.' }),
  }),
});

export const ForbiddenError = builder.objectType(Forbidden, {
  name: 'ForbiddenError',
  isTypeOf: (value) => value instanceof Forbidden,
  description: 'The caller may not do this, or nobody may here; nothing was done, nor looked for.',
  interfaces: [ErrorInterface],
});

export const QuotaExceededError = builder.objectType(QuotaExceeded, {
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

export const OutcomeUnknownError = builder.objectType(OutcomeUnknown, {
  name: 'OutcomeUnknownError',
  isTypeOf: (value) => value instanceof OutcomeUnknown,
  description:
    'The connection to the upstream broke after it had been asked: nobody knows whether it did it. Look before you try again.',
  interfaces: [ErrorInterface],
});

export const UpstreamErrorType = builder.objectType(UpstreamFailure, {
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
