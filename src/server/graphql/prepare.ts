import {
  type DocumentNode,
  type ExecutionResult,
  type FragmentDefinitionNode,
  GraphQLError,
  getOperationAST,
  type OperationDefinitionNode,
  type OperationTypeNode,
  type ParseOptions,
} from 'graphql';
import type { Context } from '../../request/context.ts';
import type { ErrorCode } from '../../schema/core/errors.ts';
import type { CallerBudget } from '../limits/caller-rate-limiter.ts';
import { costOf } from '../limits/cost.ts';
import { measureDocument } from '../limits/document-shape.ts';
import { findLineViolation, findVariablesViolation, findViolation } from '../limits/limit-check.ts';
import { LimitError } from '../limits/limit-error.ts';
import { type Limits, type LimitViolation, limitViolationError } from '../limits/query-limits.ts';
import type { Engine } from './engine.ts';
import type { Params } from './params.ts';

/** An operation that may run: understood, valid, within all limits and paid. */
export interface Prepared {
  readonly params: Params;
  readonly document: DocumentNode;
  readonly operation: OperationDefinitionNode;
  readonly operationName: string | undefined;
  /** Its points. */
  readonly cost: number;
  /** What runs it, in the context that it was prepared in. */
  readonly enveloped: ReturnType<Engine['getEnveloped']>;
}

/** Why nothing was executed. */
export interface Unprepared {
  readonly result: ExecutionResult;
}

/**
 * Makes an operation ready to run over whatever transport. Throws a Refusal: 413 for too large variables, 429 when the
 * caller has no points left, and what `guard` throws at an operation of this kind, before it is looked at any further.
 */
export async function prepare(
  engine: Engine,
  params: Params,
  context: Context,
  { limits, spend }: CallerBudget,
  guard: (kind: OperationTypeNode) => void,
): Promise<Prepared | Unprepared> {
  const enveloped = engine.getEnveloped(context);
  const { parse, validate, schema } = enveloped;
  const variables = params.variables ?? {};
  guardVariables(variables, limits);
  const known = engine.validDocuments.get(params.query);
  const document = known ?? read(params.query, parse, limits);
  if (!('kind' in document)) return document;
  const operationName = params.operationName || undefined;
  const operation = getOperationAST(document, operationName) ?? undefined;
  context.operationName = operation?.name?.value;
  if (operation) guard(operation.operation);
  const fault = known ? null : faultOf(document, () => validate(schema, document), limits);
  if (fault) return fault;
  if (!operation) return failed('BAD_USER_INPUT', [new GraphQLError(NO_OPERATION)]);
  const cost = costOf(schema, document, operation, variables);
  if (cost > limits.cost) return refused({ limit: 'cost', max: limits.cost, actual: cost });
  if (!known) engine.validDocuments.set(params.query, document);
  if (cost > 1) await spend(cost - 1); // The first is paid.
  return { params, document, operation, operationName, cost, enveloped };
}

const TOO_DEEP = 'The document: expected less depth.';
const NO_OPERATION = 'operationName: expected the name of one operation in the document.';

/** The document, or what is answered in its place when it cannot be read. */
function read(text: string, parse: (text: string, options: ParseOptions) => DocumentNode, limits: Limits) {
  const excess = findLineViolation(text, limits);
  if (excess) return refused(excess);
  const document = understand(() => parse(text, { maxTokens: limits.tokens }));
  return document instanceof GraphQLError ? notParsed(document, limits) : document;
}

/** What is answered in place of a document that goes past a limit or is not valid. */
function faultOf(document: DocumentNode, validate: () => readonly GraphQLError[], limits: Limits): Unprepared | null {
  const excess = findViolation(document, limits);
  if (excess) return refused(excess);
  // Where a fragment spreads itself, nothing was counted: no rule may meet it.
  const { circular } = measureDocument(document);
  const errors = circular ? [spreadsItself(circular)] : understand(validate);
  if (errors instanceof GraphQLError) return failed('GRAPHQL_VALIDATION_FAILED', [errors]);
  return errors.length > 0 ? failed('GRAPHQL_VALIDATION_FAILED', errors) : null;
}

/** As GraphQL's own rule says it, without the whole way round: for each step of it the text would be searched. */
function spreadsItself(fragment: FragmentDefinitionNode): GraphQLError {
  return new GraphQLError(`Cannot spread fragment "${fragment.name.value}" within itself.`, { nodes: fragment });
}

function guardVariables(variables: Readonly<Record<string, unknown>>, limits: Limits): void {
  const excess = findVariablesViolation(variables, limits);
  if (excess) throw new LimitError(413, limitViolationError(excess));
}

/** The parser says of too many tokens what it says of any fault. */
function notParsed(error: GraphQLError, { tokens }: Limits): Unprepared {
  if (!error.message.includes(`more than ${tokens} tokens`)) return failed('GRAPHQL_PARSE_FAILED', [error]);
  return refused({ limit: 'tokens', max: tokens });
}

/** What `read` makes of a document, or why it cannot: GraphQL's parser and rules go as deep as the document does. */
function understand<T>(read: () => T): T | GraphQLError {
  try {
    return read();
  } catch (error) {
    if (error instanceof GraphQLError) return error;
    if (error instanceof RangeError) return new GraphQLError(TOO_DEEP, { extensions: { code: 'QUERY_TOO_COMPLEX' } });
    throw error;
  }
}

function refused(excess: LimitViolation): Unprepared {
  return { result: { errors: [limitViolationError(excess)] } };
}

function failed(code: ErrorCode, errors: readonly GraphQLError[]): Unprepared {
  const coded = errors.map(
    ({ message, source, positions, nodes, extensions: { code: own = code } }) =>
      new GraphQLError(shortened(message), { nodes, source, positions, extensions: { code: own } }),
  );
  return { result: { errors: coded } };
}

const MAX_MESSAGE_LENGTH = 500;

// Names that clients choose stand in it.
function shortened(message: string): string {
  return message.length <= MAX_MESSAGE_LENGTH ? message : `${message.slice(0, MAX_MESSAGE_LENGTH)}…`;
}
