import type { ExecutionResult, GraphQLError } from 'graphql';
import { isInternal, toClientError } from '../../schema/core/errors.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { UpstreamError } from '../../upstream/errors/upstream-error.ts';

/** Returns the result with public errors only, and logs their causes. */
export function toClientResult(result: ExecutionResult, requestId: string, log: Logger): ExecutionResult {
  if (!result.errors) return result;
  logCauses(log, requestId, result.errors);
  return { ...result, errors: result.errors.map((error) => toClientError(error, requestId)) };
}

/** Logs one line per cause, with the number of failed fields. */
function logCauses(log: Logger, requestId: string, errors: readonly GraphQLError[]): void {
  const errorsByCause = Map.groupBy(errors, (error) => {
    const cause = upstreamErrorOf(error);
    return cause ? `${cause.code} ${cause.detail}` : error.message;
  });
  for (const [first, ...others] of errorsByCause.values()) {
    if (first === undefined) continue;
    const location = { requestId, path: first.path?.join('.'), fields: 1 + others.length };
    const cause = upstreamErrorOf(first);
    if (cause) {
      log.warn({ ...location, code: cause.code, detail: cause.detail, ...cause.facts }, 'upstream call failed');
    } else if (isInternal(first)) {
      log.error({ ...location, err: first.originalError ?? first }, 'internal error');
    }
  }
}

// An UpstreamError can be the cause of an error about an argument.
function upstreamErrorOf({ originalError }: GraphQLError): UpstreamError | undefined {
  return [originalError, originalError?.cause].find((cause) => cause instanceof UpstreamError);
}
