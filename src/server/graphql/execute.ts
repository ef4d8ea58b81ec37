import type { ExecutionResult } from 'graphql';
import type { Prepared } from './prepare.ts';

/** Executes a query or a mutation. Its errors are in their public form. */
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
