import { type ExecutionResult, GraphQLError, getOperationAST, type OperationDefinitionNode } from 'graphql';
import type { Context } from '../context.ts';
import type { ErrorCode } from '../schema/errors.ts';
import type { Engine } from './engine.ts';
import type { Params } from './params.ts';
import { Refusal } from './refusal.ts';

export interface Execution {
  readonly result: ExecutionResult;
  /** The operation that was chosen, once the document was understood. */
  readonly operation: OperationDefinitionNode | undefined;
}

/** Answers one GraphQL request. Throws a Refusal (405) for anything but a query by a method that must only read. */
export async function execute(
  engine: Engine,
  params: Params,
  context: Context,
  mayOnlyRead: boolean,
): Promise<Execution> {
  const { parse, validate, contextFactory, execute, schema } = engine.getEnveloped(context);
  const document = understand(() => parse(params.query, { maxTokens: MAX_TOKENS }));
  if (document instanceof GraphQLError) return failed('GRAPHQL_PARSE_FAILED', [document]);
  const operationName = params.operationName || undefined;
  const operation = getOperationAST(document, operationName) ?? undefined;
  context.operationName = operation?.name?.value;
  if (mayOnlyRead && operation && operation.operation !== 'query') {
    throw new Refusal(405, `A ${operation.operation}: expected POST.`, { allow: 'POST' });
  }
  const invalid = understand(() => validate(schema, document));
  if (invalid instanceof GraphQLError) return failed('GRAPHQL_VALIDATION_FAILED', [invalid]);
  if (invalid.length > 0) return failed('GRAPHQL_VALIDATION_FAILED', invalid);
  if (!operation) return failed('BAD_USER_INPUT', [new GraphQLError(NO_OPERATION)]);
  const result = await execute({
    schema,
    document,
    contextValue: await contextFactory(),
    variableValues: params.variables,
    operationName,
  });
  return { result, operation };
}

/** Most tokens of a document; the largest introspection query has 500. A small text can ask for an answer without end. */
const MAX_TOKENS = 5000;
const NO_OPERATION = 'operationName: expected the name of one operation in the document.';

/** What `read` makes of a document, or why it cannot: GraphQL's parser and rules go as deep as the document does. */
function understand<T>(read: () => T): T | GraphQLError {
  try {
    return read();
  } catch (error) {
    if (error instanceof GraphQLError) return error;
    if (error instanceof RangeError) return new GraphQLError('The document: expected less depth.');
    throw error;
  }
}

function failed(code: ErrorCode, errors: readonly GraphQLError[]): Execution {
  const coded = errors.map(
    ({ message, source, positions, nodes, extensions }) =>
      new GraphQLError(message, { nodes, source, positions, extensions: { code: extensions['code'] ?? code } }),
  );
  return { result: { errors: coded }, operation: undefined };
}
