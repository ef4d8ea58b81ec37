import type { IncomingMessage } from 'node:http';
import type { ExecutionResult, OperationTypeNode } from 'graphql';
import type { Context } from '../../request/context.ts';
import type { FindDocument } from '../graphql/document-lookup.ts';
import type { Engine } from '../graphql/engine.ts';
import { paramsOfBody, paramsOfUrl, type RawParams } from '../graphql/params.ts';
import { type Prepared, prepare } from '../graphql/prepare.ts';
import type { ResponseCache } from '../graphql/response-cache.ts';
import { kindOfBody } from '../http/body-kind.ts';
import {
  GRAPHQL_TYPE,
  MULTIPART_ACCEPT,
  MULTIPART_TYPE,
  negotiateResponseTypes,
  type ResponseTypes,
  SSE_TYPE,
} from '../http/content-negotiation.ts';
import { HttpError } from '../http/http-error.ts';
import { quoteInput } from '../http/quote-input.ts';
import { codesOf, type GraphqlReply } from '../http/reply.ts';
import { readBody } from '../http/request-body.ts';
import { guardCrossSiteGet } from '../http/request-guard.ts';
import { credentialEvidenceOf } from '../limits/accepted-credentials.ts';
import type { CallerBudget } from '../limits/caller-rate-limiter.ts';
import type { ReadUpload } from '../upload/multipart-request.ts';
import { type StreamReply, streamReply } from './http-stream.ts';
import { multipart } from './multipart-mixed.ts';
import { isSubscription, type RequestIdentity, type RunOperation } from './operation-runner.ts';
import { sse } from './sse.ts';
import { bodyOf, type StreamFormat, streamHeaders } from './stream-format.ts';

/** The components that handle every request. */
export interface GraphqlOptions {
  readonly engine: Engine;
  readonly runOperation: RunOperation;
  readonly responseCache: ResponseCache;
  readonly findDocument: FindDocument;
  readonly readUpload: ReadUpload;
  /** Origins of other sites whose pages are served too. */
  readonly corsOrigins: readonly string[];
}

export interface GraphqlRequest extends RequestIdentity {
  readonly request: IncomingMessage;
  /** The URL's query. */
  readonly search: string;
  readonly budget: CallerBudget;
  readonly context: Context;
}

/**
 * Handles GET and POST of `/graphql` by the GraphQL-over-HTTP specification, and subscriptions as streams. Throws an
 * HttpError for any other request.
 */
export async function handleGraphql(
  options: GraphqlOptions,
  graphqlRequest: GraphqlRequest,
): Promise<GraphqlReply | StreamReply> {
  const { request, search, budget } = graphqlRequest;
  const types = negotiateResponseTypes(request.headers);
  await budget.spend(1); // For reading the request; the rest of its cost is spent once it is known.
  if (request.method === 'GET') {
    guardCrossSiteGet(request, options.corsOrigins);
    const params = paramsOfUrl(new URLSearchParams(search));
    return (await run(options, graphqlRequest, params, types)).reply;
  }
  if (request.method !== 'POST') {
    const message = `Method: ${request.method} is not supported at /graphql; expected GET or POST.`;
    throw new HttpError(405, message, { allow: 'GET, POST' });
  }
  const body = kindOfBody(request.headers);
  if (body.kind === 'form') return await handleUpload(options, graphqlRequest, types, body.boundary);
  return await handlePost(options, graphqlRequest, types);
}

async function handlePost(options: GraphqlOptions, graphqlRequest: GraphqlRequest, types: ResponseTypes) {
  const { responseCache } = options;
  const { request, context } = graphqlRequest;
  const body = await readBody(request);
  const { scope, generation, viewer } = context;
  const cacheKey = `${scope} ${viewer.role} ${generation} ${types.single} ${body.toString('latin1')}`;
  const cached = responseCache.get(cacheKey);
  if (cached) {
    context.operationName = cached.operationName;
    return cached.reply;
  }
  const { reply, isCacheable } = await run(options, graphqlRequest, paramsOfBody(body), types);
  if (isCacheable && 'body' in reply) {
    responseCache.set(cacheKey, { reply, operationName: context.operationName }, context.readContext.freshUntil);
  }
  return reply;
}

/** Handles a form with a file. An error of the form replaces the result of the operation. */
async function handleUpload(
  options: GraphqlOptions,
  graphqlRequest: GraphqlRequest,
  types: ResponseTypes,
  boundary: string | null,
): Promise<GraphqlReply | StreamReply> {
  const { request, budget } = graphqlRequest;
  const upload = await options.readUpload(request, boundary, budget.limitKey);
  try {
    const params = paramsOfBody(upload.operations, 'operations');
    const { reply } = await run(options, graphqlRequest, params, types, upload.attachFile);
    upload.signal.throwIfAborted();
    return reply;
  } finally {
    upload.discard();
  }
}

interface Outcome {
  readonly reply: GraphqlReply | StreamReply;
  /** Whether the reply is valid for equal requests while its data is fresh. */
  readonly isCacheable: boolean;
}

async function run(
  { engine, runOperation, findDocument }: GraphqlOptions,
  graphqlRequest: GraphqlRequest,
  rawParams: RawParams,
  types: ResponseTypes,
  attachFile = (prepared: Prepared) => prepared,
): Promise<Outcome> {
  const { request, context, budget } = graphqlRequest;
  const params = findDocument(rawParams, context.requestId);
  if ('errors' in params) {
    // Always 200, as from Apollo Server: some clients read the body of no other status.
    return { reply: { ...resultReply(params, types.single), status: 200 }, isCacheable: false };
  }
  const guard = (kind: OperationTypeNode) => guardKind(kind, request, types);
  const prepared = await prepare(engine, params, context, budget, guard);
  if ('result' in prepared) return { reply: resultReply(prepared.result, types.single), isCacheable: false };
  const { operation } = prepared;
  const result = await runOperation(attachFile(prepared), graphqlRequest);
  if (isSubscription(result)) {
    return { reply: streamReply(result, formatOf(types.stream), graphqlRequest.identity), isCacheable: false };
  }
  await budget.recordEvidence(credentialEvidenceOf(result, context.readContext), context.readContext.upstreamCalls);
  const isCostRequested = params.extensions?.['cost'] === true;
  return {
    reply: resultReply(isCostRequested ? withCost(result, prepared, budget) : result, types.single),
    isCacheable: operation.operation === 'query' && result.errors === undefined && !isCostRequested,
  };
}

/** Throws an HttpError when this kind of operation needs another method (405) or another `Accept` (406). */
function guardKind(kind: OperationTypeNode, { method, headers }: IncomingMessage, { stream }: ResponseTypes): void {
  const isSubscription = kind === 'subscription';
  // A browser also sends GET for pages of other sites, but they cannot read an event stream.
  if (method === 'GET' && kind !== 'query' && !(isSubscription && stream === SSE_TYPE)) {
    const alternative = isSubscription ? `, or Accept: ${SSE_TYPE}` : '';
    const message = `Method: GET cannot execute a ${kind}; expected POST${alternative}.`;
    throw new HttpError(405, message, { allow: 'POST' });
  }
  if (isSubscription && stream === undefined) {
    const accept = quoteInput(headers.accept ?? '');
    throw new HttpError(
      406,
      `Accept: ${accept} has no type for a subscription; expected ${SSE_TYPE} or ${MULTIPART_ACCEPT}.`,
    );
  }
}

const formatOf = (type: string | undefined): StreamFormat => (type === MULTIPART_TYPE ? multipart : sse);

function resultReply(result: ExecutionResult, type: string): GraphqlReply {
  const json = JSON.stringify(result);
  const isStream = type === SSE_TYPE || type === MULTIPART_TYPE;
  const format = formatOf(type);
  return {
    status: statusOf(result, type),
    headers: isStream ? streamHeaders(format) : { 'content-type': `${type}; charset=utf-8`, vary: 'accept' },
    body: isStream ? bodyOf(format, json) : json,
    ...(result.errors && { errorCodes: codesOf(result.errors) }),
  };
}

/**
 * Adds the query's cost and the caller's remaining points, for requests with `"extensions": {"cost": true}`. `extra` is the
 * number of upstream calls beyond the cost, if any.
 */
function withCost(
  result: ExecutionResult,
  { cost: requested, payment: { extraPoints: extra } }: Prepared,
  { limits, remaining }: CallerBudget,
): ExecutionResult {
  const cost = { requested, ...(extra > 0 && { extra }), max: limits.cost, remaining };
  return { ...result, extensions: { ...result.extensions, cost } };
}

// Only application/graphql-response+json has a status for requests that were not executed.
function statusOf(result: ExecutionResult, type: string): number {
  return type === GRAPHQL_TYPE && result.data === undefined ? 400 : 200;
}
