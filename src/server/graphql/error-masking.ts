import type { ExecutionResult, GraphQLError } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { Context } from '../../request/context.ts';
import { isInternal, toClientError } from '../../schema/core/errors.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { UpstreamError } from '../../upstream/errors/upstream-error.ts';

/** Shows clients what they may see of each error, and tells the log the rest. */
export function useClientErrors(log: Logger): Plugin<Context> {
  return {
    onExecute: () => ({
      onExecuteDone({ result, setResult, args }) {
        const { requestId, readContext } = args.contextValue;
        if (!('errors' in result) || readContext.signal.aborted) return; // Nobody reads it any more.
        setResult(toClientResult(result, requestId, log));
      },
    }),
  };
}

/** What a client may see of a result; the log is told the rest. */
export function toClientResult(result: ExecutionResult, requestId: string, log: Logger): ExecutionResult {
  if (!result.errors) return result;
  tell(log, requestId, result.errors);
  return { ...result, errors: result.errors.map((error) => toClientError(error, requestId)) };
}

// One line for each cause, however many fields it has cost.
function tell(log: Logger, requestId: string, errors: readonly GraphQLError[]): void {
  const byCause = Map.groupBy(errors, (error) => {
    const failure = failureOf(error);
    return failure ? `${failure.code} ${failure.detail}` : error.message;
  });
  for (const [first, ...others] of byCause.values()) {
    if (first === undefined) continue;
    const where = { requestId, path: first.path?.join('.'), fields: 1 + others.length };
    const failure = failureOf(first);
    if (failure) {
      log.warn({ ...where, code: failure.code, detail: failure.detail, ...failure.facts }, 'upstream call failed');
    } else if (isInternal(first)) {
      log.error({ ...where, err: first.originalError ?? first }, 'internal error');
    }
  }
}

// What the upstream rejects can be the fault of an argument.
function failureOf({ originalError }: GraphQLError): UpstreamError | undefined {
  return [originalError, originalError?.cause].find((cause) => cause instanceof UpstreamError);
}
