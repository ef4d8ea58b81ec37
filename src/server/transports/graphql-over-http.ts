import type { IncomingMessage } from 'node:http';
import type { ExecutionResult, OperationTypeNode } from 'graphql';
import type { Context } from '../../request/context.ts';
import type { FindDocument } from '../graphql/document-lookup.ts';
import type { Engine } from '../graphql/engine.ts';
import { kindOfBody, type Params, paramsOfBody, paramsOfUrl } from '../graphql/params.ts';
import { type Prepared, prepare } from '../graphql/prepare.ts';
import type { ResponseCache } from '../graphql/response-cache.ts';
import { type AnswerTypes, answerTypes, GRAPHQL_TYPE, MULTIPART_TYPE, SSE_TYPE } from '../http/content-negotiation.ts';
import { HttpError } from '../http/http-error.ts';
import { codesOf, type GraphqlReply } from '../http/reply.ts';
import { readBody } from '../http/request-body.ts';
import { guardQuery } from '../http/request-guard.ts';
import { credentialEvidenceOf } from '../limits/accepted-credentials.ts';
import type { CallerBudget } from '../limits/caller-rate-limiter.ts';
import type { ReadUpload } from '../upload/multipart-request.ts';
import { type StreamReply, streamReply } from './http-stream.ts';
import { multipart } from './multipart-mixed.ts';
import { isSubscription, type RequestIdentity, type RunOperation } from './operation-runner.ts';
import { sse } from './sse.ts';
import { bodyOf, type StreamFormat } from './stream-format.ts';

/** What answers, whoever asks. */
export interface GraphqlOptions {
  readonly engine: Engine;
  readonly runOperation: RunOperation;
  readonly responseCache: ResponseCache;
  readonly findDocument: FindDocument;
  readonly readUpload: ReadUpload;
  /** Origins beside our own whose pages may ask. */
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
 * Answers GET and POST at `/graphql` by the GraphQL-over-HTTP specification, and with streams where it has none. Throws a
 * Refusal for what is not such a request.
 */
export async function answerGraphql(
  options: GraphqlOptions,
  asked: GraphqlRequest,
): Promise<GraphqlReply | StreamReply> {
  const { findDocument, corsOrigins } = options;
  const { request, search, budget, context } = asked;
  const types = answerTypes(request.headers);
  await budget.spend(1); // For reading it, whatever it is; the rest of its price once that is known.
  if (request.method === 'GET') {
    guardQuery(request, corsOrigins);
    const params = findDocument(paramsOfUrl(new URLSearchParams(search)), context.requestId);
    return (await run(options, asked, params, types)).reply;
  }
  if (request.method !== 'POST') throw new HttpError(405, 'The method: expected GET or POST.', { allow: 'GET, POST' });
  const body = kindOfBody(request.headers);
  if (body.kind === 'form') return await answerUpload(options, asked, types, body.boundary);
  return await answerPost(options, asked, types);
}

async function answerPost(options: GraphqlOptions, asked: GraphqlRequest, types: AnswerTypes) {
  const { responseCache, findDocument } = options;
  const { request, context } = asked;
  const body = await readBody(request);
  const { scope, generation, viewer } = context;
  const question = `${scope} ${viewer.role} ${generation} ${types.single} ${body.toString('latin1')}`;
  const kept = responseCache.get(question);
  if (kept) {
    context.operationName = kept.operationName;
    return kept.reply;
  }
  const params = findDocument(paramsOfBody(body), context.requestId);
  const { reply, isRepeatable } = await run(options, asked, params, types);
  if (isRepeatable && 'body' in reply) {
    responseCache.set(question, { reply, operationName: context.operationName }, context.readContext.freshUntil);
  }
  return reply;
}

/** A form with a file: what is wrong with it is answered in place of what has come of the operation. */
async function answerUpload(
  options: GraphqlOptions,
  asked: GraphqlRequest,
  types: AnswerTypes,
  boundary: string | null,
): Promise<GraphqlReply | StreamReply> {
  const { readUpload, findDocument } = options;
  const upload = await readUpload(asked.request, boundary, asked.budget.limitKey);
  try {
    const params = findDocument(paramsOfBody(upload.operations, 'operations'), asked.context.requestId);
    const { reply } = await run(options, asked, params, types, upload.target);
    upload.signal.throwIfAborted();
    return reply;
  } finally {
    upload.discard();
  }
}

interface Outcome {
  readonly reply: GraphqlReply | StreamReply;
  /** Whether it answers the same question again, as long as what it rests on is fresh. */
  readonly isRepeatable: boolean;
}

async function run(
  { engine, runOperation }: GraphqlOptions,
  asked: GraphqlRequest,
  params: Params,
  types: AnswerTypes,
  complete = (prepared: Prepared) => prepared,
): Promise<Outcome> {
  const { request, context, budget } = asked;
  const guard = (kind: OperationTypeNode) => guardKind(kind, request, types);
  const prepared = await prepare(engine, params, context, budget, guard);
  if ('result' in prepared) return { reply: written(prepared.result, types.single), isRepeatable: false };
  const { cost, operation } = prepared;
  const result = await runOperation(complete(prepared), asked);
  if (isSubscription(result)) {
    return { reply: streamReply(result, formatOf(types.stream), asked.identity), isRepeatable: false };
  }
  await budget.recordEvidence(credentialEvidenceOf(result, context.readContext), context.readContext.upstreamCalls);
  const told = params.extensions?.['cost'] === true;
  return {
    reply: written(told ? withCost(result, cost, budget) : result, types.single),
    isRepeatable: operation.operation === 'query' && result.errors === undefined && !told,
  };
}

/** Throws a Refusal at an operation that may not come by this method (405), or whose results the client does not take (406). */
function guardKind(kind: OperationTypeNode, { method }: IncomingMessage, { stream }: AnswerTypes): void {
  const isSubscription = kind === 'subscription';
  // By GET browsers ask for pages of other sites too, but not for an event stream that the page could read.
  if (method === 'GET' && kind !== 'query' && !(isSubscription && stream === SSE_TYPE)) {
    throw new HttpError(405, `A ${kind}: expected POST.`, { allow: 'POST' });
  }
  if (isSubscription && stream === undefined) {
    throw new HttpError(406, `Accept: expected ${SSE_TYPE}, or multipart/mixed with subscriptionSpec="1.0".`);
  }
}

const formatOf = (type: string | undefined): StreamFormat => (type === MULTIPART_TYPE ? multipart : sse);

function written(result: ExecutionResult, type: string): GraphqlReply {
  const json = JSON.stringify(result);
  const isStream = type === SSE_TYPE || type === MULTIPART_TYPE;
  const format = formatOf(type);
  return {
    status: statusOf(result, type),
    headers: { 'content-type': isStream ? format.contentType : `${type}; charset=utf-8`, vary: 'accept' },
    body: isStream ? bodyOf(format, json) : json,
    ...(result.errors && { errorCodes: codesOf(result.errors) }),
  };
}

/** For who asks by `"extensions": {"cost": true}`: what the query was priced at, and what there still is. */
function withCost(result: ExecutionResult, requested: number, { limits, remaining }: CallerBudget): ExecutionResult {
  return { ...result, extensions: { ...result.extensions, cost: { requested, max: limits.cost, remaining } } };
}

// Only the newer media type tells by the status that nothing was executed.
function statusOf(result: ExecutionResult, type: string): number {
  return type === GRAPHQL_TYPE && result.data === undefined ? 400 : 200;
}
