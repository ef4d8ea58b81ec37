import type { ExecutionResult, GraphQLError } from 'graphql';
import type { Clock } from '../../clock.ts';
import type { Context } from '../../request/context.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { traceIds } from '../../telemetry/trace-context.ts';
import type { Remote, Scheme } from '../http/remote.ts';
import { codesOf } from '../http/reply.ts';
import { reportOperation } from './operation-events.ts';

/** The statistics of a stream or of an operation on a WebSocket, for the log. A field without a value is missing. */
export interface ResultStats {
  /** `sse`, `multipart` or `websocket`. */
  readonly transport: string;
  /** Number of results that were sent. */
  results: number;
  /** Number of errors in all results; or of those that prevented the execution. */
  errors?: number;
  /** `extensions.code` of these errors, each once. */
  errorCodes?: readonly string[];
  /** Whether the client disconnected before the operation was complete. */
  isAborted?: true;
  /** Whether the gateway ended it because it was stopping, or its upstream key was replaced. */
  isInterrupted?: true;
}

export function recordResult(stats: ResultStats, { errors }: ExecutionResult): void {
  stats.results++;
  if (errors) recordErrors(stats, errors);
}

/** Records the errors of a result, or of an operation that cannot be executed. */
export function recordErrors(stats: ResultStats, errors: readonly GraphQLError[]): void {
  stats.errors = (stats.errors ?? 0) + errors.length;
  stats.errorCodes = [...new Set([...(stats.errorCodes ?? []), ...codesOf(errors)])];
}

/** The log line `operation`, written at the end of each operation of a WebSocket. */
interface OperationLogLine extends ResultStats {
  readonly requestId: string;
  /** Address of the client. */
  readonly address: string;
  /** Scheme of the client's URL, with TRUST_PROXY. */
  readonly scheme: Scheme | undefined;
  /** At most 100 characters. */
  readonly operation: string | undefined;
  /** The name of the caller, with AUTH=tokens and AUTH=jwt. */
  readonly viewer: string | undefined;
  readonly upstreamCalls: number;
  /** Duration in milliseconds. */
  readonly ms: number;
}

/** Returns the function that logs the end of an operation of a WebSocket. */
export function operationLogger(
  context: Context,
  { address, scheme }: Remote,
  stats: ResultStats,
  log: Logger,
  clock: Clock,
): () => void {
  const startedAt = clock.now();
  return () => {
    const { requestId, operationName, viewer, readContext } = context;
    const line: OperationLogLine = {
      requestId,
      address,
      scheme,
      operation: operationName?.slice(0, 100),
      viewer: viewer.name ?? undefined,
      upstreamCalls: readContext.upstreamCalls,
      ...stats,
      ms: clock.now() - startedAt,
    };
    log.info(line, 'operation');
    traceIds.delete(requestId);
    reportOperation(context, stats.errorCodes);
  };
}
