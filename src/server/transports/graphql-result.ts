import type { ExecutionResult } from 'graphql';
import type { Prepared } from '../graphql/prepare.ts';
import { CompressedForms } from '../http/compressed-forms.ts';
import { GRAPHQL_TYPE, JSON_TYPE, MULTIPART_TYPE, SSE_TYPE } from '../http/content-negotiation.ts';
import { codesOf, type GraphqlReply, shareHeaders } from '../http/reply.ts';
import type { CallerBudget } from '../limits/caller-rate-limiter.ts';
import { multipart } from './multipart-mixed.ts';
import { sse } from './sse.ts';
import { bodyOf, type StreamFormat, streamHeaders } from './stream-format.ts';

export const formatOf = (type: string | undefined): StreamFormat => (type === MULTIPART_TYPE ? multipart : sse);

const jsonHeaders = (type: string) =>
  shareHeaders({ 'content-type': `${type}; charset=utf-8`, vary: 'accept, accept-encoding' });

const HEADERS: Readonly<Record<string, GraphqlReply['headers']>> = {
  [JSON_TYPE]: jsonHeaders(JSON_TYPE),
  [GRAPHQL_TYPE]: jsonHeaders(GRAPHQL_TYPE),
};

/** Creates the response with a single result, of one of the negotiated media types. */
export function resultReply(result: ExecutionResult, type: string): GraphqlReply {
  const json = JSON.stringify(result);
  const isStream = type === SSE_TYPE || type === MULTIPART_TYPE;
  const format = formatOf(type);
  const reply: GraphqlReply = {
    status: statusOf(result, type),
    headers: HEADERS[type] ?? streamHeaders(format),
    body: Buffer.from(isStream ? bodyOf(format, json) : json),
    ...(!isStream && { forms: new CompressedForms() }),
  };
  return result.errors ? { ...reply, errorCodes: codesOf(result.errors) } : reply;
}

// Only application/graphql-response+json has a status for requests that were not executed.
function statusOf(result: ExecutionResult, type: string): number {
  return type === GRAPHQL_TYPE && result.data === undefined ? 400 : 200;
}

/**
 * Adds the query's cost and the caller's remaining points, for requests with `"extensions": {"cost": true}`. `extra` is the
 * number of upstream calls beyond the cost, if any.
 */
export function withCost(
  result: ExecutionResult,
  { cost: requested, payment: { extraPoints: extra } }: Prepared,
  { limits, remaining }: CallerBudget,
): ExecutionResult {
  const cost = { requested, ...(extra > 0 && { extra }), max: limits.cost, remaining };
  return { ...result, extensions: { ...result.extensions, cost } };
}
