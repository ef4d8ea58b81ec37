import type { GraphQLError } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { Context } from '../context.ts';
import { toClientError } from '../schema/errors.ts';
import { UpstreamError } from '../upstream/errors.ts';
import type { Logger } from './log.ts';

/** Shows clients what they may see of each error, and tells the log the rest. */
export function useClientErrors(log: Logger): Plugin<Context> {
  return {
    onExecute: () => ({
      onExecuteDone({ result, setResult, args }) {
        const { requestId, caller } = args.contextValue;
        if (!('errors' in result) || !result.errors || caller.signal.aborted) return; // Nobody reads it any more.
        const errors = result.errors.map((error) => translate(error, requestId, log));
        setResult({ ...result, errors });
      },
    }),
  };
}

function translate(error: GraphQLError, requestId: string, log: Logger): GraphQLError {
  const { originalError } = error;
  const client = toClientError(error, requestId);
  const path = error.path?.join('.');
  if (originalError instanceof UpstreamError) {
    const { code, detail, facts } = originalError;
    log.warn({ requestId, path, code, detail, ...facts }, 'upstream call failed');
  }
  if (client.extensions['code'] === 'INTERNAL')
    log.error({ requestId, path, err: originalError ?? error }, 'internal error');
  return client;
}
