import type { IncomingMessage } from 'node:http';
import type { ExecutionResult } from 'graphql';
import type { Context } from '../context.ts';
import { showingOf } from './acquaintances.ts';
import type { Allowance } from './allowance.ts';
import type { Answers } from './answers.ts';
import { readBody } from './body.ts';
import type { FindDocument } from './documents.ts';
import type { Engine } from './engine.ts';
import { execute } from './execute.ts';
import { guardQuery } from './guard.ts';
import { answerType, GRAPHQL_TYPE } from './media-type.ts';
import { guardContentType, type Params, paramsOfBody, paramsOfUrl } from './params.ts';
import { Refusal } from './refusal.ts';
import { codesOf, type GraphqlReply } from './reply.ts';

export interface GraphqlRequest {
  readonly request: IncomingMessage;
  /** The URL's query. */
  readonly search: string;
  /** Origins beside our own whose pages may ask. */
  readonly corsOrigins: readonly string[];
  readonly allowance: Allowance;
}

/**
 * Answers GET and POST at `/graphql` by the GraphQL-over-HTTP specification. Throws a Refusal for what is not such a
 * request.
 */
export async function answerGraphql(
  engine: Engine,
  answers: Answers,
  findDocument: FindDocument,
  { request, search, corsOrigins, allowance }: GraphqlRequest,
  context: Context,
): Promise<GraphqlReply> {
  const type = answerType(request.headers);
  await allowance.spend(1); // For reading it, whatever it is; the rest of its price once that is known.
  if (request.method === 'GET') {
    guardQuery(request, corsOrigins);
    const params = findDocument(paramsOfUrl(new URLSearchParams(search)), context.requestId);
    return (await run(engine, params, type, context, allowance, true)).reply;
  }
  if (request.method !== 'POST') throw new Refusal(405, 'The method: expected GET or POST.', { allow: 'GET, POST' });
  guardContentType(request.headers);
  const body = await readBody(request);
  const { scope, outdatedAt, viewer } = context;
  const question = `${scope} ${viewer.role} ${outdatedAt} ${type} ${body.toString('latin1')}`;
  const kept = answers.get(question);
  if (kept) {
    context.operationName = kept.operationName;
    return kept.reply;
  }
  const params = findDocument(paramsOfBody(body), context.requestId);
  const { reply, isRepeatable } = await run(engine, params, type, context, allowance, false);
  if (isRepeatable) answers.keep(question, { reply, operationName: context.operationName }, context.caller.freshUntil);
  return reply;
}

async function run(
  engine: Engine,
  params: Params,
  type: string,
  context: Context,
  allowance: Allowance,
  mayOnlyRead: boolean,
) {
  const { result, operation, cost } = await execute(engine, params, context, allowance, mayOnlyRead);
  await allowance.learn(showingOf(result, context.caller), context.caller.upstreamCalls);
  const told = cost !== undefined && params.extensions?.['cost'] === true;
  const reply: GraphqlReply = {
    status: statusOf(result, type),
    headers: { 'content-type': `${type}; charset=utf-8`, vary: 'accept' },
    body: JSON.stringify(told ? withCost(result, cost, allowance) : result),
    ...(result.errors && { errorCodes: codesOf(result.errors) }),
  };
  return { reply, isRepeatable: operation?.operation === 'query' && result.errors === undefined && !told };
}

/** For who asks by `"extensions": {"cost": true}`: what the query was priced at, and what there still is. */
function withCost(result: ExecutionResult, requested: number, { limits, remaining }: Allowance): ExecutionResult {
  return { ...result, extensions: { ...result.extensions, cost: { requested, max: limits.cost, remaining } } };
}

// Only the newer media type tells by the status that nothing was executed.
function statusOf(result: ExecutionResult, type: string): number {
  return type === GRAPHQL_TYPE && result.data === undefined ? 400 : 200;
}
