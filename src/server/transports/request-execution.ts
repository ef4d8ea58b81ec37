import type { IncomingMessage } from 'node:http';
import type { OperationTypeNode } from 'graphql';
import type { Context, ContextFactory, LoggedContext } from '../../request/context.ts';
import type { Cancellation } from '../../store/cache/cancellation.ts';
import { startSpan } from '../../telemetry/spans.ts';
import type { TraceContext } from '../../telemetry/trace-context.ts';
import type { FindDocument } from '../graphql/document-lookup.ts';
import type { Engine } from '../graphql/engine.ts';
import type { RawParams } from '../graphql/params.ts';
import { type Prepared, prepare } from '../graphql/prepare.ts';
import { ExecutionViewer } from '../graphql/private-fields.ts';
import { Execution } from '../graphql/shared-execution.ts';
import { MULTIPART_ACCEPT, type ResponseTypes, SSE_TYPE } from '../http/content-negotiation.ts';
import { HttpError } from '../http/http-error.ts';
import { quoteInput } from '../http/quote-input.ts';
import type { GraphqlReply } from '../http/reply.ts';
import { credentialEvidenceOf } from '../limits/accepted-credentials.ts';
import type { CallerBudget } from '../limits/caller-rate-limiter.ts';
import { formatOf, resultReply, withCost } from './graphql-result.ts';
import { type StreamReply, streamReply } from './http-stream.ts';
import { endOperationSpan } from './operation-events.ts';
import { isSubscription, type RequestIdentity, type RunOperation } from './operation-runner.ts';

/** The components that execute operations. */
export interface ExecutionOptions {
  readonly engine: Engine;
  readonly runOperation: RunOperation;
  readonly findDocument: FindDocument;
  readonly createContext: ContextFactory;
}

/** An authenticated request to `/graphql`. */
export interface GraphqlRequest extends RequestIdentity {
  readonly request: IncomingMessage;
  readonly requestId: string;
  /** The URL's query. */
  readonly search: string;
  /** Aborted when the client disconnects. */
  readonly client: Cancellation;
  /** Gets the context of the execution, for the log. */
  readonly exchange: { context?: LoggedContext; readonly trace?: { readonly context: TraceContext } | null };
}

/** The result of an execution, as each of its clients gets it. */
export interface Outcome {
  readonly reply: GraphqlReply | StreamReply;
  /** Earliest expiry of the data in a query's reply without errors; undefined for any other reply. */
  readonly freshUntil?: number;
}

export interface ExecutionSteps {
  /** Replaces the points that the request spends; by default its own. */
  readonly budget?: CallerBudget;
  readonly attachFile?: (prepared: Prepared) => Prepared;
  /** Whether data near its end is read anew. */
  readonly refreshAhead?: boolean;
  /** Called before the execution starts. Can return another outcome in its place. `start` starts it. */
  readonly around?: (operation: StartableOperation) => Promise<Outcome>;
}

/** An operation that is prepared and paid. */
export interface StartableOperation {
  readonly prepared: Prepared;
  readonly context: Context;
  readonly execution: Execution<Outcome>;
  readonly viewer: ExecutionViewer;
  start(): Promise<Outcome>;
}

/** Prepares and executes an operation, in a context and a span of its own. */
export async function executeRequest(
  options: ExecutionOptions,
  graphqlRequest: GraphqlRequest,
  rawParams: RawParams,
  types: ResponseTypes,
  steps: ExecutionSteps,
): Promise<Outcome> {
  const { exchange } = graphqlRequest;
  const trace = exchange.trace?.context ?? null;
  const span = startSpan('operation', 'GraphQL', trace);
  if (span === null) return execute(options, graphqlRequest, rawParams, types, steps, trace);
  let errorCodes: readonly string[] | undefined = ['REJECTED'];
  try {
    const outcome = await execute(options, graphqlRequest, rawParams, types, steps, span.context);
    ({ errorCodes } = outcome.reply);
    return outcome;
  } finally {
    endOperationSpan(span, exchange.context, errorCodes);
  }
}

async function execute(
  { engine, runOperation, findDocument, createContext }: ExecutionOptions,
  graphqlRequest: GraphqlRequest,
  rawParams: RawParams,
  types: ResponseTypes,
  { budget = graphqlRequest.budget, attachFile, refreshAhead, around }: ExecutionSteps,
  trace: TraceContext | null,
): Promise<Outcome> {
  const { request, requestId, identity, caller, client, exchange } = graphqlRequest;
  const execution = new Execution<Outcome>();
  execution.join(caller, client);
  execution.trace = trace;
  const viewer = new ExecutionViewer(identity.viewer);
  const { cancellation } = execution;
  const context = createContext({ requestId, cancellation, identity: { ...identity, viewer }, claimant: execution });
  exchange.context = context;
  if (refreshAhead) context.readContext.refreshAhead = true;
  const params = findDocument(rawParams, requestId);
  // Always 200, as from Apollo Server: some clients read the body of no other status.
  if ('errors' in params) return { reply: { ...resultReply(params, types.single), status: 200 } };
  const guard = (kind: OperationTypeNode) => guardKind(kind, request, types);
  const prepared = await prepare(engine, params, context, budget, guard);
  if ('result' in prepared) return { reply: resultReply(prepared.result, types.single) };

  async function start(operation: Prepared): Promise<Outcome> {
    const result = await runOperation(attachFile?.(operation) ?? operation, graphqlRequest);
    if (isSubscription(result)) return { reply: streamReply(result, formatOf(types.stream), identity) };
    const { readContext } = context;
    const recorded = budget.recordEvidence(credentialEvidenceOf(result, readContext), readContext.upstreamCalls);
    if (recorded) await recorded;
    const isCostRequested = isCostRequestedBy(operation);
    const reply = resultReply(isCostRequested ? withCost(result, operation, budget) : result, types.single);
    const isCacheable = operation.operation.operation === 'query' && result.errors === undefined && !isCostRequested;
    return isCacheable ? { reply, freshUntil: readContext.freshUntil } : { reply };
  }

  return await (around?.({ prepared, context, execution, viewer, start: () => start(prepared) }) ?? start(prepared));
}

export const isCostRequestedBy = ({ params }: Prepared): boolean => params.extensions?.['cost'] === true;

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
