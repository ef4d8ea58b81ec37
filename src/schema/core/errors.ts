import { ForbiddenError } from '@pothos/plugin-scope-auth';
import { GraphQLError } from 'graphql';
import { FleetUnavailable } from '../../state/fleet-unavailable.ts';
import { EVENTS_PER_PAGE } from '../../store/resources/event.ts';
import { escapeUnsafe } from '../../telemetry/unsafe-characters.ts';
import { UpstreamError, type UpstreamErrorCode } from '../../upstream/errors/upstream-error.ts';
import { JobNotFound } from '../../watch/poll/watch-errors.ts';
import { MAX_PAGES_BACK, UnknownCursor } from '../../watch/streams/log-reader.ts';
import { builder } from './builder.ts';

const CODES = {
  BAD_REQUEST:
    'The gateway does not accept the HTTP request, for example because its body is not JSON. See the message and the HTTP status.',
  UNAUTHENTICATED:
    'The `Authorization` header is missing or malformed, or its token is unknown, revoked, invalid or expired. Send `Authorization: Bearer TOKEN`.',
  AUTHENTICATION_UNAVAILABLE:
    'The gateway cannot read the keys of the identity provider now, and needs them to verify the token. Retry later: the HTTP status is 503, and `Retry-After` says when.',
  FORBIDDEN:
    'The role of the caller does not allow this field, mutation or download; the description of the field names the role that does. With the HTTP status 403: the token of the caller has no role. For mutations also: the gateway does not allow mutations, or it has no OPENAI_ADMIN_KEY.',
  GRAPHQL_PARSE_FAILED: 'The document has a GraphQL syntax error. Nothing was executed.',
  GRAPHQL_VALIDATION_FAILED:
    'The document does not match the schema, for example it selects a field that does not exist. Nothing was executed.',
  DOCUMENT_NOT_TRUSTED: 'The gateway only executes documents of its allowlist, and this document is not in it.',
  PERSISTED_QUERY_NOT_SUPPORTED:
    'The request has only the hash of a document, in the extension `persistedQuery`, and the gateway does not know it. Clients of automatic persisted queries send the text next.',
  INTROSPECTION_DISABLED: 'The gateway does not allow introspection.',
  QUERY_TOO_COMPLEX:
    'The operation exceeds a query limit. `extensions.limit` names the limit, such as `depth`; `extensions.max` is its value, and `extensions.actual` is the value of the operation, if known. Nothing was executed. Only the limit `responseBytes` is checked while the response is made: `data` is null then, and what a mutation did before remains done.',
  RATE_LIMITED:
    'A limit of the gateway is reached: points per minute, created jobs or grader runs per day, open subscriptions, or uploads or downloads at the same time. The operation or mutation was not executed. `retryAfterSeconds` says when to retry, if known.',
  FLEET_UNAVAILABLE:
    'The replicas of the gateway cannot reach what they share, and this mutation needs it: it was not executed. `retryAfterSeconds` says when to retry.',
  BAD_USER_INPUT:
    'The value of an argument or variable is not accepted. The message names the argument, the problem and the expected value. A retry with the same value fails too.',
  NOT_FOUND: 'The job of a subscription, or the object of a mutation or a download, does not exist or was deleted.',
  CONFLICT:
    'The current state does not allow the mutation: the status of the job, or another job with the same `idempotencyKey`.',
  OUTCOME_UNKNOWN:
    'The upstream did not confirm the mutation, for example because the connection broke. It may or may not have taken effect: check before you retry.',
  UPSTREAM_RATE_LIMITED:
    'There are too many calls to the upstream: it rejected the request, or the queue of the gateway is too long. `retryAfterSeconds` says when to retry, if known.',
  UPSTREAM_QUOTA_EXCEEDED:
    'A quota or the credit of the upstream account is used up. A retry succeeds only after a change of its plan or billing, after a daily quota resets, or, for a quota of active jobs, after one of them ends.',
  UPSTREAM_UNAUTHENTICATED:
    'The upstream does not accept the API key: that of the gateway, or the one that the caller sent.',
  UPSTREAM_FORBIDDEN:
    'The upstream does not permit this request with this API key, or the field needs an OPENAI_ADMIN_KEY that the gateway does not have.',
  UPSTREAM_TIMEOUT: 'The upstream did not respond in time. Retry later.',
  UPSTREAM_UNAVAILABLE:
    'The upstream is unreachable, overloaded or failing. Retry later: after `retryAfterSeconds`, if known.',
  UPSTREAM_INVALID_RESPONSE:
    'The response of the upstream is not valid: not JSON, incomplete, or without a required property.',
  UPSTREAM_REJECTED:
    'The upstream rejected the request as invalid. The message has the reason that the upstream sent, if any.',
  UPSTREAM_UNSUPPORTED: 'The upstream does not have the endpoint or the feature that this field or mutation needs.',
  INTERNAL:
    'An internal error of the gateway. Report `extensions.requestId` to its operator, who finds the details in the log.',
} satisfies Record<UpstreamErrorCode, string> & Record<string, string>;

export type ErrorCode = keyof typeof CODES;

/** The GraphQL type of ErrorCode. */
export const ErrorCodeType = builder.enumType('ErrorCode', {
  description:
    'The kind of an error, for programs: `extensions.code` of an entry of `errors`, and `code` of a failed mutation. Codes that begin with UPSTREAM come from calls to the REST API.',
  values: Object.fromEntries(Object.entries(CODES).map(([code, description]) => [code, { description }])),
});

/**
 * Creates the error of an argument whose value is not accepted. `problem` says what is wrong and what was expected, with
 * an example: `is 101; expected an integer from 1 to 100, such as 20`. `cause` is the response of an upstream that
 * rejected the value.
 */
export function badUserInput(argument: string, problem: string, cause?: UpstreamError): GraphQLError {
  const code = 'BAD_USER_INPUT' satisfies ErrorCode;
  return new GraphQLError(`${argument}: ${problem}.`, {
    cause,
    extensions: { code, argument, ...cause?.facts },
  });
}

/** The part of the document that an error is about. */
type Location = { nodes?: GraphQLError['nodes'] | undefined; path?: GraphQLError['path'] | undefined };

/** Creates the error of a fault in the gateway. It reveals only the id of the log line. */
export function internalError(requestId: string, location: Location = {}): GraphQLError {
  return rewrite(location, 'Internal error of the gateway. Report the requestId to its operator.', {
    code: 'INTERNAL',
    requestId,
  });
}

/** Returns the part of an execution error that a client may see. The message may quote the client: it is escaped. */
export function toClientError(error: GraphQLError, requestId: string): GraphQLError {
  const publicError = publicErrorOf(error, requestId);
  const { nodes, source, positions, path, extensions } = publicError;
  const message = escapeUnsafe(publicError.message);
  if (message === publicError.message) return publicError;
  return new GraphQLError(message, { nodes, source, positions, path, extensions });
}

function publicErrorOf(error: GraphQLError, requestId: string): GraphQLError {
  const cause = rootOf(error);
  if (cause instanceof UpstreamError) return rewrite(error, cause.message, { code: cause.code, ...cause.facts });
  if (cause instanceof JobNotFound) return rewrite(error, cause.message, { code: 'NOT_FOUND' });
  if (cause instanceof UnknownCursor) return unknownCursor(error, cause);
  if (cause instanceof FleetUnavailable) {
    const { message, retryAfterSeconds } = cause;
    return rewrite(error, message, { code: 'FLEET_UNAVAILABLE', retryAfterSeconds });
  }
  if (isInternal(error)) return internalError(requestId, error);
  if (cause instanceof ForbiddenError) return rewrite(error, cause.message, { code: 'FORBIDDEN' });
  if (cause instanceof GraphQLError && 'code' in cause.extensions) return error;
  if (isUnserializable(error)) return rewrite(error, error.message, { code: 'UPSTREAM_INVALID_RESPONSE' });
  // graphql-js found a variable of the wrong type, or null for an argument that does not allow it.
  return rewrite(error, error.message, { code: 'BAD_USER_INPUT' });
}

// A built-in scalar cannot represent a value of the upstream. For an argument the same text follows its name.
function isUnserializable({ path, message }: GraphQLError): boolean {
  return path !== undefined && /^(Int|Float|String|Boolean|ID) cannot represent/.test(message);
}

/** Whether an error is a fault of the gateway, neither of the upstream nor of the request. */
export function isInternal(error: GraphQLError): boolean {
  const cause = rootOf(error);
  return ![UpstreamError, JobNotFound, UnknownCursor, FleetUnavailable, GraphQLError].some(
    (kind) => cause instanceof kind,
  );
}

const MAX_EVENTS_BACK = MAX_PAGES_BACK * EVENTS_PER_PAGE;

/** The argument at fault when the log does not have the position where a subscriber wants to start. */
const UNKNOWN_CURSORS: Record<UnknownCursor['start']['kind'], readonly [argument: string, problem: string]> = {
  since: [
    'since',
    `is not the id of one of the newest ${MAX_EVENTS_BACK} events of this job; take the id of an event from its log, such as ftevent-abc123`,
  ],
  sinceStep: [
    'sinceStep',
    `is older than the newest ${MAX_EVENTS_BACK} events of this job; expected a more recent step, such as the last one of metrics`,
  ],
  start: [
    'fromStart',
    `is true, but the log of this job has more than ${MAX_EVENTS_BACK} events; start after a more recent event with since`,
  ],
  now: ['since', 'is missing, and the log of this job cannot be read; try again'],
};

function unknownCursor(location: Location, { start }: UnknownCursor): GraphQLError {
  const [argument, problem] = UNKNOWN_CURSORS[start.kind];
  return rewrite(location, `${argument}: ${problem}.`, { code: 'BAD_USER_INPUT', argument });
}

// An error with a code is final, whatever caused it.
function rootOf(error: Error): Error {
  if (!(error instanceof GraphQLError) || !error.originalError || 'code' in error.extensions) return error;
  return rootOf(error.originalError);
}

function rewrite({ nodes, path }: Location, message: string, extensions: { code: ErrorCode; [fact: string]: unknown }) {
  return new GraphQLError(message, { nodes, path, extensions });
}
