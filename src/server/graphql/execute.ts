import type { ExecutionResult } from 'graphql';
import type { Prepared } from './prepare.ts';

/** Runs a query or a mutation. Its errors are those that clients may see. */
export async function execute(prepared: Prepared): Promise<ExecutionResult> {
  const { document, operationName, params, enveloped } = prepared;
  const { execute, contextFactory, schema } = enveloped;
  return await execute({
    schema,
    document,
    contextValue: await contextFactory(),
    variableValues: params.variables,
    operationName,
  });
}
