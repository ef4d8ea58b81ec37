import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { type ExecutionResult, GraphQLError } from 'graphql';
import type { Clock } from '../../clock.ts';
import type { Context, ContextFactory, Identity } from '../../request/context.ts';
import { internalError } from '../../schema/core/errors.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { paramsOf } from '../graphql/params.ts';
import { type Prepared, prepare } from '../graphql/prepare.ts';
import { HttpError } from '../http/http-error.ts';
import { credentialEvidenceOf } from '../limits/accepted-credentials.ts';
import { type CreateCallerBudget, callerKey } from '../limits/caller-rate-limiter.ts';
import { LimitError } from '../limits/limit-error.ts';
import type { Subscriber } from '../subscriptions/subscription-groups.ts';
import type { GraphqlOptions } from './graphql-over-http.ts';
import { isSubscription } from './operation-runner.ts';

export interface OperationOptions extends Pick<GraphqlOptions, 'engine' | 'runOperation' | 'findDocument'> {
  createBudget: CreateCallerBudget;
  createContext: ContextFactory;
  log: Logger;
  clock: Clock;
}

/** An authenticated client of one WebSocket. */
export interface SocketClient {
  readonly request: IncomingMessage;
  readonly identity: Identity;
  /** The functions that end each operation in progress. */
  readonly activeOperations: Set<() => void>;
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
    const { identity, request, activeOperations } = client;
    const requestId = randomUUID();
    const clientAbort = new AbortController();
    const context = createContext({ requestId, identity, signal: clientAbort.signal });
    const caller = callerKey(context, request);
    const abort = () => clientAbort.abort(new Error('The client has disconnected.'));
    const logEnd = operationLogger(context, log, clock);
    activeOperations.add(abort);
    try {
      const budget = createBudget(context, request);
      await budget.spend(1);
      const params = findDocument(paramsOf(withoutEmptyQuery(payload)), requestId);
      const prepared = await prepare(engine, params, context, budget, () => {});
      if ('result' in prepared) {
        logEnd(0);
        return prepared.result.errors ?? [];
      }
      const outcome = await runOperation(prepared, { identity, caller });
      if (isSubscription(outcome)) return { prepared, outcome: deliver(outcome, client, logEnd) };
      await budget.recordEvidence(
        credentialEvidenceOf(outcome, context.readContext),
        context.readContext.upstreamCalls,
      );
      logEnd(1);
      return { prepared, outcome };
    } catch (error) {
      logEnd(0);
      return [toGraphQLError(error, requestId, log)];
    } finally {
      activeOperations.delete(abort);
    }
  };
}

/** Yields the subscriber's results until the socket closes or the caller is no longer authorized. */
function deliver(
  subscriber: Subscriber,
  { identity, activeOperations, revoke }: SocketClient,
  logEnd: (results: number) => void,
): AsyncIterableIterator<ExecutionResult, undefined> {
  let results = 0;
  const end = async () => {
    if (activeOperations.delete(end)) logEnd(results);
    return await subscriber.return();
  };
  activeOperations.add(end);
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    async next() {
      const { value, done } = await subscriber.next();
      if (done) return await end();
      if (!identity.isValid()) {
        revoke();
        return await end();
      }
      results++;
      return { value: value.result, done: false };
    },
    return: end,
  };
}

/** The log line `operation`, written at the end of each operation of a WebSocket. */
interface OperationLogLine {
  readonly requestId: string;
  readonly transport: 'websocket';
  /** At most 100 characters. */
  readonly operation: string | undefined;
  /** The name of the caller, with AUTH=tokens. */
  readonly viewer: string | undefined;
  readonly upstreamCalls: number;
  readonly results: number;
  /** Duration in milliseconds. */
  readonly ms: number;
}

/** Returns the function that logs the end of an operation. */
function operationLogger(context: Context, log: Logger, clock: Clock): (results: number) => void {
  const startedAt = clock.now();
  return (results) => {
    const { requestId, operationName, viewer, readContext } = context;
    const line: OperationLogLine = {
      requestId,
      transport: 'websocket',
      operation: operationName?.slice(0, 100),
      viewer: viewer.name ?? undefined,
      upstreamCalls: readContext.upstreamCalls,
      results,
      ms: clock.now() - startedAt,
    };
    log.info(line, 'operation');
  };
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
