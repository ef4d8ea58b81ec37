import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { type ExecutionResult, GraphQLError } from 'graphql';
import type { Clock } from '../../clock.ts';
import type { ContextFactory, Identity } from '../../request/context.ts';
import { internalError } from '../../schema/core/errors.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { startSpan } from '../../telemetry/spans.ts';
import { readTraceContext, traceIds, UNSAMPLED } from '../../telemetry/trace-context.ts';
import { paramsOf } from '../graphql/params.ts';
import { type Prepared, prepare } from '../graphql/prepare.ts';
import { HttpError } from '../http/http-error.ts';
import type { Remote } from '../http/remote.ts';
import { credentialEvidenceOf } from '../limits/accepted-credentials.ts';
import { type CreateCallerBudget, callerOf } from '../limits/caller-rate-limiter.ts';
import { LimitError } from '../limits/limit-error.ts';
import type { Subscriber } from '../subscriptions/subscriber.ts';
import type { GraphqlOptions } from './graphql-over-http.ts';
import { endOperationSpan } from './operation-events.ts';
import { operationLogger, type ResultStats, recordErrors, recordResult } from './operation-log.ts';
import { isSubscription } from './operation-runner.ts';
import { createResultIterator } from './result-iterator.ts';

export interface OperationOptions extends Pick<GraphqlOptions, 'engine' | 'runOperation' | 'findDocument'> {
  createBudget: CreateCallerBudget;
  createContext: ContextFactory;
  log: Logger;
  clock: Clock;
}

/** Why an operation in progress ends: its client has disconnected, the gateway is stopping, or it has closed the socket. */
export type EndCause = 'disconnect' | 'shutdown' | 'rejection';

/** Ends an operation in progress. */
export type EndOperation = (cause: EndCause) => void;

/** An authenticated client of one WebSocket. */
export interface SocketClient {
  readonly request: IncomingMessage;
  readonly remote: Remote;
  readonly identity: Identity;
  /** The functions that end each operation in progress. */
  readonly activeOperations: Set<EndOperation>;
  /** Those of them that are subscriptions. */
  readonly subscriptions: Set<EndOperation>;
  /** Closes the socket, because the caller is no longer authorized. */
  revoke(): void;
}

/** An operation in progress, with its only result or the iterator of its results. */
export interface StartedOperation {
  readonly prepared: Prepared;
  readonly outcome: ExecutionResult | AsyncIterableIterator<ExecutionResult, undefined>;
}

/** Starts the operation of a `subscribe` message, as over HTTP. Resolves to the errors when it cannot be executed. */
export type StartOperation = (
  client: SocketClient,
  payload: unknown,
) => Promise<StartedOperation | readonly GraphQLError[]>;

export function createStartOperation({
  engine,
  runOperation,
  findDocument,
  createBudget,
  createContext,
  log,
  clock,
}: OperationOptions): StartOperation {
  return async (client, payload) => {
    const { request, remote, activeOperations } = client;
    const identity = client.identity.current();
    const requestId = randomUUID();
    const clientAbort = new AbortController();
    const span = startSpan('operation', 'GraphQL', readTraceContext(request.headers['traceparent'], undefined));
    const trace = span?.context;
    if (trace && trace !== UNSAMPLED) traceIds.set(requestId, trace.traceId);
    const caller = callerOf(identity, remote, trace);
    const claimant = { priority: 'query', callers: [caller], trace } as const;
    const context = createContext({ requestId, identity, signal: clientAbort.signal, claimant });
    const stats: ResultStats = { transport: 'websocket', results: 0 };
    const logEnd = operationLogger(context, remote, stats, log, clock);
    const abort: EndOperation = (cause) => {
      recordEnd(stats, cause);
      clientAbort.abort(new Error('The client has disconnected.'));
    };
    const fail = (errors: readonly GraphQLError[]) => {
      if (!clientAbort.signal.aborted) recordErrors(stats, errors);
      logEnd();
      return errors;
    };
    activeOperations.add(abort);
    try {
      const budget = createBudget(caller, context.scope);
      await budget.spend(1);
      const params = findDocument(paramsOf(withoutEmptyQuery(payload)), requestId);
      if ('errors' in params) return fail(params.errors);
      const prepared = await prepare(engine, params, context, budget, () => {});
      if ('result' in prepared) return fail(prepared.result.errors ?? []);
      const outcome = await runOperation(prepared, { identity, caller, budget });
      if (isSubscription(outcome)) return { prepared, outcome: deliver(outcome, client, stats, logEnd) };
      await budget.recordEvidence(
        credentialEvidenceOf(outcome, context.readContext),
        context.readContext.upstreamCalls,
      );
      if (!clientAbort.signal.aborted) recordResult(stats, outcome);
      logEnd();
      return { prepared, outcome };
    } catch (error) {
      return fail([toGraphQLError(error, requestId, log)]);
    } finally {
      activeOperations.delete(abort);
      if (span) endOperationSpan(span, context, stats.errorCodes);
    }
  };
}

/** Yields the subscriber's results until the socket closes or the caller is no longer authorized. */
function deliver(
  subscriber: Subscriber,
  { identity, activeOperations, subscriptions, revoke }: SocketClient,
  stats: ResultStats,
  logEnd: () => void,
): AsyncIterableIterator<ExecutionResult, undefined> {
  const results = createResultIterator(subscriber);
  const end = async () => {
    subscriptions.delete(stop);
    if (activeOperations.delete(stop)) logEnd();
    return await results.return();
  };
  const stop: EndOperation = (cause) => {
    recordEnd(stats, cause);
    void end();
  };
  activeOperations.add(stop);
  subscriptions.add(stop);
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    async next() {
      const { value, done } = await results.next();
      if (done) return await end();
      if (!identity.isValid()) {
        revoke();
        return await end();
      }
      recordResult(stats, value);
      return { value, done: false };
    },
    return: end,
  };
}

function recordEnd(stats: ResultStats, cause: EndCause): void {
  if (cause === 'disconnect') stats.isAborted = true;
  if (cause === 'shutdown') stats.isInterrupted = true;
}

/** The protocol requires a query; clients that send only a documentId send an empty one. */
function withoutEmptyQuery(payload: unknown): unknown {
  return { ...Object(payload), query: Object(payload).query || undefined };
}

function toGraphQLError(error: unknown, requestId: string, log: Logger): GraphQLError {
  if (error instanceof LimitError) return error.error;
  if (error instanceof HttpError) return new GraphQLError(error.message, { extensions: { code: error.code } });
  log.error({ requestId, err: error }, 'internal error');
  return internalError(requestId);
}
