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

/** Who asks on a socket, and what is under way there. */
export interface SocketClient {
  readonly request: IncomingMessage;
  readonly identity: Identity;
  /** What ends each operation under way. */
  readonly activeOperations: Set<() => void>;
  /** Closes the socket, as the caller is no longer who it was. */
  revoke(): void;
}

/** An operation that has begun: its one result, or those that it still gives. */
export interface StartedOperation {
  readonly prepared: Prepared;
  readonly outcome: ExecutionResult | AsyncIterableIterator<ExecutionResult, undefined>;
}

/** Begins the operation in a message, as one over HTTP is. Gives the errors instead when it cannot. */
export type StartOperation = (
  visitor: SocketClient,
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
  return async (visitor, payload) => {
    const { identity, request, activeOperations } = visitor;
    const requestId = randomUUID();
    const leaving = new AbortController();
    const context = createContext({ requestId, identity, signal: leaving.signal });
    const caller = callerKey(context, request);
    const leave = () => leaving.abort(new Error('The client has left.'));
    const end = whenEnded(context, log, clock);
    activeOperations.add(leave);
    try {
      const budget = createBudget(context, request);
      await budget.spend(1);
      const params = findDocument(paramsOf(withoutEmptyQuery(payload)), requestId);
      const prepared = await prepare(engine, params, context, budget, () => {});
      if ('result' in prepared) {
        end(0);
        return prepared.result.errors ?? [];
      }
      const outcome = await runOperation(prepared, { identity, caller });
      if (isSubscription(outcome)) return { prepared, outcome: deliver(outcome, visitor, end) };
      await budget.recordEvidence(
        credentialEvidenceOf(outcome, context.readContext),
        context.readContext.upstreamCalls,
      );
      end(1);
      return { prepared, outcome };
    } catch (error) {
      end(0);
      return [errorOf(error, requestId, log)];
    } finally {
      activeOperations.delete(leave);
    }
  };
}

/** A member's results, until the socket closes or the caller is no longer who it was. */
function deliver(
  member: Subscriber,
  { identity, activeOperations, revoke }: SocketClient,
  end: (results: number) => void,
): AsyncIterableIterator<ExecutionResult, undefined> {
  let results = 0;
  const leave = async () => {
    if (activeOperations.delete(leave)) end(results);
    return await member.return();
  };
  activeOperations.add(leave);
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    async next() {
      const { value, done } = await member.next();
      if (done) return await leave();
      if (!identity.isValid()) {
        revoke();
        return await leave();
      }
      results++;
      return { value: value.result, done: false };
    },
    return: leave,
  };
}

/** What an operation leaves in the log, once. */
function whenEnded(context: Context, log: Logger, clock: Clock): (results: number) => void {
  const beganAt = clock.now();
  return (results) => {
    const { requestId, operationName, viewer, readContext } = context;
    const line = {
      requestId,
      transport: 'websocket',
      operation: operationName?.slice(0, 100),
      viewer: viewer.name ?? undefined,
      upstreamCalls: readContext.upstreamCalls,
      results,
      ms: clock.now() - beganAt,
    };
    log.info(line, 'operation');
  };
}

/** The protocol wants a text also from who names a document: an empty one. */
function withoutEmptyQuery(payload: unknown): unknown {
  return { ...Object(payload), query: Object(payload).query || undefined };
}

function errorOf(error: unknown, requestId: string, log: Logger): GraphQLError {
  if (error instanceof LimitError) return error.error;
  if (error instanceof HttpError) return new GraphQLError(error.message, { extensions: { code: error.code } });
  log.error({ requestId, err: error }, 'internal error');
  return internalError(requestId);
}
