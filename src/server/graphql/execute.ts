import type { ExecutionResult } from 'graphql';
import type { Context } from '../../request/context.ts';
import type { Prepared } from './prepare.ts';
import { limitResponse } from './response-limit.ts';

/** Executes a query or a mutation. Its errors are in their public form. Its JSON is within the limit. */
export async function execute(prepared: Prepared): Promise<ExecutionResult> {
  const { document, operationName, params, enveloped } = prepared;
  const { execute, contextFactory, schema } = enveloped;
  const contextValue: Context = await contextFactory();
  const result: ExecutionResult = await execute({
    schema,
    document,
    contextValue,
    variableValues: params.variables,
    operationName,
  });
  return limitResponse(result, contextValue.response);
}
