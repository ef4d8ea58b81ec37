import type { ExecutionResult } from 'graphql';
import type { Context } from '../../request/context.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { toClientResult } from './error-masking.ts';
import type { Prepared } from './prepare.ts';
import { limitResponse } from './response-limit.ts';

/** Executes a query or a mutation. Its errors are in their public form. Its JSON is within the limit. */
export async function execute({ engine, params, known, planned, context }: Prepared): Promise<ExecutionResult> {
  const plannedFields = planned.plannedFields;
  const result = await planned.execute(context, params.variables ?? {});
  if (planned.plannedFields !== plannedFields) engine.knownDocuments.set(params.query, known);
  return limitResponse(maskErrors(result, context, engine.log), context.response);
}

function maskErrors(
  result: ExecutionResult,
  { requestId, readContext, response }: Context,
  log: Logger,
): ExecutionResult {
  if (!result.errors || readContext.isAborted) return result; // The client has disconnected.
  if (response.isExceeded) return result; // Each unresolved field has an error: the whole result is replaced.
  return toClientResult(result, requestId, log);
}
