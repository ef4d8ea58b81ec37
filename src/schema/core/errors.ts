import { ForbiddenError } from '@pothos/plugin-scope-auth';
import { GraphQLError } from 'graphql';
import { EVENTS_PER_PAGE } from '../../store/resources/event.ts';
import { UpstreamError, type UpstreamErrorCode } from '../../upstream/errors/upstream-error.ts';
import { JobNotFound } from '../../watch/poll/watch-errors.ts';
import { MAX_PAGES_BACK, UnknownCursor } from '../../watch/streams/log-reader.ts';
import { builder } from './builder.ts';

const CODES = {
  BAD_REQUEST: 'The HTTP request is not one that this server answers; its status says why.',
  UNAUTHENTICATED: 'The header `Authorization` does not say who asks, or says it with a token that is not in force.',
  FORBIDDEN: 'The role of the caller does not include this field; its description names the role that does.',
  GRAPHQL_PARSE_FAILED: 'The document is not GraphQL.',
  GRAPHQL_VALIDATION_FAILED: 'The document does not fit the schema.',
  DOCUMENT_NOT_TRUSTED: 'The document is none of those that this gateway answers.',
  INTROSPECTION_DISABLED: 'The schema cannot be asked for here.',
  QUERY_TOO_COMPLEX:
    'The request asks for more than this server answers: `limit` says of what, `max` how much may be; nothing was executed.',
  RATE_LIMITED:
    'The caller has asked for as much as it may in a minute, or changed as much as it may in a day, and `retryAfterSeconds` says when it may go on; or as many subscriptions are open, or uploads under way, as may be. Nothing was executed.',
  BAD_USER_INPUT:
    'An argument or variable has a value that is not accepted; the message names it and what was expected.',
  NOT_FOUND: 'What was to be followed or changed does not exist, or does not any more.',
  CONFLICT: 'What was asked does not go together with what there is, such as the status of the job.',
  OUTCOME_UNKNOWN:
    'Nobody knows whether the upstream has done what it was asked: after that the connection broke, or no answer says it.',
  UPSTREAM_RATE_LIMITED:
    'The upstream limits the rate of requests; `retryAfterSeconds` says how long to wait, when known.',
  UPSTREAM_QUOTA_EXCEEDED: "The upstream account's quota or credit is used up: trying again soon is useless.",
  UPSTREAM_UNAUTHENTICATED:
    "The upstream does not accept the credential: the gateway's, or the one that the caller has brought.",
  UPSTREAM_FORBIDDEN: 'The upstream does not allow this to the credential.',
  UPSTREAM_TIMEOUT: 'The upstream did not answer in time.',
  UPSTREAM_UNAVAILABLE: 'The upstream cannot be reached or says that it is overloaded or broken.',
  UPSTREAM_INVALID_RESPONSE:
    'The upstream gave an answer that cannot be understood: not JSON, cut off, or without what it must have.',
  UPSTREAM_REJECTED: 'The upstream rejected the request as wrong.',
  UPSTREAM_UNSUPPORTED: 'The upstream has no such endpoint.',
  INTERNAL: 'A fault of the gateway. Nothing more is told; `requestId` leads its operator to the log line.',
} satisfies Record<UpstreamErrorCode, string> & Record<string, string>;

export type ErrorCode = keyof typeof CODES;

/** Its GraphQL type. */
export const ErrorCodeType = builder.enumType('ErrorCode', {
  description: 'What an error is: `extensions.code` of one in `errors`, or `code` of one that a mutation answers.',
  values: Object.fromEntries(Object.entries(CODES).map(([code, description]) => [code, { description }])),
});

/**
 * An argument has a value that is not accepted. The message says which argument and what was expected; where the upstream
 * has found it out, `cause` is its answer.
 */
export function badUserInput(argument: string, expected: string, cause?: UpstreamError): GraphQLError {
  const code = 'BAD_USER_INPUT' satisfies ErrorCode;
  return new GraphQLError(`${argument}: expected ${expected}.`, {
    cause,
    extensions: { code, argument, ...cause?.facts },
  });
}

/** Which part of the document an error is about. */
type Where = { nodes?: GraphQLError['nodes'] | undefined; path?: GraphQLError['path'] | undefined };

/** A fault of our own. Nothing more is told than what leads its operator to the log line. */
export function internalError(requestId: string, where: Where = {}): GraphQLError {
  return rewrite(where, 'Something went wrong in the gateway.', { code: 'INTERNAL', requestId });
}

/** What a client may see of an error that came out of execution. */
export function toClientError(error: GraphQLError, requestId: string): GraphQLError {
  const cause = rootOf(error);
  if (cause instanceof UpstreamError) return rewrite(error, cause.message, { code: cause.code, ...cause.facts });
  if (cause instanceof JobNotFound) return rewrite(error, cause.message, { code: 'NOT_FOUND' });
  if (cause instanceof UnknownCursor) return unknownCursor(error, cause);
  if (isInternal(error)) return internalError(requestId, error);
  if (cause instanceof ForbiddenError) return rewrite(error, cause.message, { code: 'FORBIDDEN' });
  if (cause instanceof GraphQLError && 'code' in cause.extensions) return error;
  if (isUnwritable(error)) return rewrite(error, error.message, { code: 'UPSTREAM_INVALID_RESPONSE' });
  // GraphQL's own complaint: a variable that does not fit, a null where an argument allows none.
  return rewrite(error, error.message, { code: 'BAD_USER_INPUT' });
}

// A value of the upstream's that a scalar of GraphQL cannot carry. Of an argument's value the same is said after its name.
function isUnwritable({ path, message }: GraphQLError): boolean {
  return path !== undefined && /^(Int|Float|String|Boolean|ID) cannot represent/.test(message);
}

/** Whether an error is a fault of our own: neither the upstream's nor the request's. */
export function isInternal(error: GraphQLError): boolean {
  const cause = rootOf(error);
  return ![UpstreamError, JobNotFound, UnknownCursor, GraphQLError].some((kind) => cause instanceof kind);
}

/** A reader has to be told which of its arguments names a place that the log does not have. */
function unknownCursor(where: Where, { start }: UnknownCursor): GraphQLError {
  const reach = `the newest ${MAX_PAGES_BACK * EVENTS_PER_PAGE} events`;
  const [argument, expected] = {
    since: ['since', `the id of one of ${reach} of this job`],
    sinceStep: ['sinceStep', `a step that one of ${reach} of this job tells of`],
    start: ['fromStart', `a log of at most ${MAX_PAGES_BACK * EVENTS_PER_PAGE} events`],
    now: ['since', 'a log that can be read'],
  }[start.kind] as [string, string];
  const code = 'BAD_USER_INPUT';
  return rewrite(where, `${argument}: expected ${expected}.`, { code, argument });
}

// An error that has its code already is the root of others, whatever has led to it.
function rootOf(error: Error): Error {
  if (!(error instanceof GraphQLError) || !error.originalError || 'code' in error.extensions) return error;
  return rootOf(error.originalError);
}

function rewrite({ nodes, path }: Where, message: string, extensions: { code: ErrorCode; [fact: string]: unknown }) {
  return new GraphQLError(message, { nodes, path, extensions });
}
