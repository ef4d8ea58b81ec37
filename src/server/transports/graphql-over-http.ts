import { paramsOfBody, paramsOfUrl } from '../graphql/params.ts';
import { kindOfBody } from '../http/body-kind.ts';
import { negotiateResponseTypes, type ResponseTypes } from '../http/content-negotiation.ts';
import { HttpError } from '../http/http-error.ts';
import type { GraphqlReply } from '../http/reply.ts';
import { readBody } from '../http/request-body.ts';
import { guardCrossSiteGet } from '../http/request-guard.ts';
import type { ReadUpload } from '../upload/multipart-request.ts';
import type { StreamReply } from './http-stream.ts';
import { type ExecutionOptions, executeRequest, type GraphqlRequest } from './request-execution.ts';
import { answer, type SharingOptions } from './shared-answer.ts';

/** The components that handle every request. */
export interface GraphqlOptions extends ExecutionOptions, SharingOptions {
  readonly readUpload: ReadUpload;
  /** Origins of other sites whose pages are served too. */
  readonly corsOrigins: readonly string[];
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
  const paid = budget.spend(1); // For reading the request; the rest of its cost is spent once it is known.
  if (paid) await paid;
  if (request.method === 'GET') {
    guardCrossSiteGet(request, options.corsOrigins);
    const readParams = () => paramsOfUrl(new URLSearchParams(search));
    return answer(options, graphqlRequest, { source: `GET ${search}`, readParams, types, isCached: false });
  }
  if (request.method !== 'POST') {
    const message = `Method: ${request.method} is not supported at /graphql; expected GET or POST.`;
    throw new HttpError(405, message, { allow: 'GET, POST' });
  }
  const kind = kindOfBody(request.headers);
  if (kind.kind === 'form') return await handleUpload(options, graphqlRequest, types, kind.boundary);
  const body = await readBody(request);
  const source = `POST ${body.toString('latin1')}`;
  return answer(options, withCurrentKey(graphqlRequest), {
    source,
    readParams: () => paramsOfBody(body),
    types,
    isCached: true,
  });
}

/** A slow client sends its body after the upstream key has been replaced: a stream would use the old key as long as it is open. */
function withCurrentKey(graphqlRequest: GraphqlRequest): GraphqlRequest {
  const identity = graphqlRequest.identity.current();
  return identity === graphqlRequest.identity ? graphqlRequest : { ...graphqlRequest, identity };
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
    const { reply } = await executeRequest(options, withCurrentKey(graphqlRequest), params, types, {
      attachFile: upload.attachFile,
    });
    upload.signal.throwIfAborted();
    return reply;
  } finally {
    upload.discard();
  }
}
