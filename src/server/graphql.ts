import type { IncomingMessage } from 'node:http';
import type { ExecutionResult, OperationDefinitionNode } from 'graphql';
import type { Context } from '../context.ts';
import { readBody } from './body.ts';
import type { Engine } from './engine.ts';
import { execute } from './execute.ts';
import { guardQuery } from './guard.ts';
import { answerType, GRAPHQL_TYPE } from './media-type.ts';
import { guardContentType, type Params, paramsOfBody, paramsOfUrl } from './params.ts';
import { Refusal } from './refusal.ts';
import type { Reply } from './reply.ts';

/** What the log wants to know of an answered request. */
export interface GraphqlReply extends Reply {
  readonly operation: OperationDefinitionNode | undefined;
}

/** Answers GET and POST at `/graphql` by the GraphQL-over-HTTP specification. Throws a Refusal for what is not such a request. */
export async function answerGraphql(
  engine: Engine,
  request: IncomingMessage,
  search: string,
  context: Context,
): Promise<GraphqlReply> {
  const type = answerType(request.headers);
  const params = await readParams(request, search);
  const { result, operation } = await execute(engine, params, context, request.method === 'GET');
  const headers = { 'content-type': `${type}; charset=utf-8`, vary: 'accept' };
  return { status: statusOf(result, type), headers, body: JSON.stringify(result), operation };
}

async function readParams(request: IncomingMessage, search: string): Promise<Params> {
  if (request.method === 'GET') {
    guardQuery(request.headers);
    return paramsOfUrl(new URLSearchParams(search));
  }
  if (request.method !== 'POST') throw new Refusal(405, 'The method: expected GET or POST.', { allow: 'GET, POST' });
  guardContentType(request.headers['content-type']);
  return paramsOfBody(await readBody(request));
}

// Only the newer media type tells by the status that nothing was executed.
function statusOf(result: ExecutionResult, type: string): number {
  return type === GRAPHQL_TYPE && result.data === undefined ? 400 : 200;
}
