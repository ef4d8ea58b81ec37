import {
  type DocumentNode,
  type ExecutionResult,
  type FragmentDefinitionNode,
  GraphQLError,
  getOperationAST,
  Kind,
  type OperationDefinitionNode,
  type OperationTypeNode,
  type ParseOptions,
} from 'graphql';
import type { Context } from '../../request/context.ts';
import type { ErrorCode } from '../../schema/core/errors.ts';
import { escapeUnsafe } from '../../telemetry/unsafe-characters.ts';
import { quoteInput } from '../http/quote-input.ts';
import type { CallerBudget } from '../limits/caller-rate-limiter.ts';
import { parsingPoints, validationPoints } from '../limits/document-points.ts';
import { measureDocument } from '../limits/document-shape.ts';
import { findLineViolation, findVariablesViolation, findViolation } from '../limits/limit-check.ts';
import { LimitError } from '../limits/limit-error.ts';
import { createOperationPayment, type OperationPayment } from '../limits/operation-payment.ts';
import { type Limits, type LimitViolation, limitViolationError } from '../limits/query-limits.ts';
import { hasMoreTokens } from '../limits/token-count.ts';
import type { Engine } from './engine.ts';
import { KnownDocument, type KnownOperation } from './known-document.ts';
import type { Params } from './params.ts';

/** An operation that may be executed: parsed, valid, within all limits and paid. */
export interface Prepared {
  readonly params: Params;
  readonly document: DocumentNode;
  readonly operation: OperationDefinitionNode;
  readonly operationName: string | undefined;
  /** In points. */
  readonly cost: number;
  /** Pays for upstream calls beyond the cost. */
  readonly payment: OperationPayment;
  /** The context that the operation was prepared in. */
  readonly context: Context;
  readonly known: KnownDocument;
  readonly planned: KnownOperation;
  readonly engine: Engine;
}

/** Throws an HttpError when an operation of this kind may not be executed. */
type Guard = (kind: OperationTypeNode) => void;

/** The errors of an operation that may not be executed. */
export interface Unprepared {
  readonly result: ExecutionResult;
}

/**
 * Prepares an operation of any transport. Calls `guard` with the kind of the operation before validation, and rejects as it
 * throws. Also rejects with an HttpError: 413 for too large variables, 429 when the caller has too few points. Spends the
 * points of a document before the work that they are for, so that an invalid one is paid too.
 */
export async function prepare(
  engine: Engine,
  params: Params,
  context: Context,
  budget: CallerBudget,
  guard: Guard,
): Promise<Prepared | Unprepared> {
  const { limits } = budget;
  const variables = params.variables ?? {};
  guardVariables(variables, limits);
  const operationName = params.operationName || undefined;
  context.isTrusted = params.isTrusted === true;
  const stored = engine.knownDocuments.get(params.query);
  if (stored) recordOperation(stored.operation(operationName)?.node, context, guard);
  const known = stored ?? (await readDocument(engine, params.query, operationName, context, budget, guard));
  if (!(known instanceof KnownDocument)) return known;
  const { document } = known;
  const planned = known.operation(operationName);
  if (!planned) return failed('BAD_USER_INPUT', [noOperation(document, operationName)]);
  const cost = planned.costOf(variables);
  if (cost > limits.cost) return rejected({ limit: 'cost', max: limits.cost, actual: cost });
  if (!stored) engine.knownDocuments.set(params.query, known);
  if (cost > 1) await budget.spend(cost - 1); // The first point is already spent.
  const payment = createOperationPayment(cost, budget);
  context.readContext.payment = payment;
  return { params, document, operation: planned.node, operationName, cost, payment, context, known, planned, engine };
}

/** Records the name of the operation for the log, and calls `guard` with its kind. */
function recordOperation(operation: OperationDefinitionNode | undefined | null, context: Context, guard: Guard): void {
  context.operationName = operation?.name?.value;
  context.operationType = operation?.operation;
  if (operation) guard(operation.operation);
}

/**
 * Parses, measures and validates a document that is not stored, and spends its points. Resolves to the errors of an invalid
 * document.
 */
async function readDocument(
  engine: Engine,
  text: string,
  operationName: string | undefined,
  context: Context,
  { limits, spend }: CallerBudget,
  guard: Guard,
): Promise<KnownDocument | Unprepared> {
  const { parse, validate, schema } = engine.getEnveloped(context);
  const payFor = async (points: number) => points > 0 && (await spend(points));
  await payFor(parsingPoints(text));
  const document = parseDocument(text, parse, limits);
  if (!('kind' in document)) return document;
  recordOperation(getOperationAST(document, operationName), context, guard);
  const violation = findViolation(document, limits);
  if (violation) return rejected(violation);
  await payFor(validationPoints(document));
  return findErrors(document, () => validate(schema, document)) ?? new KnownDocument(document, engine);
}

/** Returns the document, or the errors when it cannot be parsed. */
function parseDocument(text: string, parse: (text: string, options: ParseOptions) => DocumentNode, limits: Limits) {
  const violation = findLineViolation(text, limits);
  if (violation) return rejected(violation);
  const document = orGraphQLError(() => parse(text, { maxTokens: limits.tokens }));
  return document instanceof GraphQLError ? parseFailed(document, text, limits) : document;
}

/** Returns the errors of a document that is within all limits; null when it is valid. */
function findErrors(document: DocumentNode, validate: () => readonly GraphQLError[]): Unprepared | null {
  // A document with circular fragments was not measured: no validation rule may walk it.
  const { circular } = measureDocument(document);
  const errors = circular ? [circularFragment(circular)] : orGraphQLError(validate);
  if (errors instanceof GraphQLError) return failed('GRAPHQL_VALIDATION_FAILED', [errors]);
  return errors.length > 0 ? failed('GRAPHQL_VALIDATION_FAILED', errors) : null;
}

/** Creates the error of GraphQL's own rule without the path of the circle, as locating each fragment takes too long. */
function circularFragment(fragment: FragmentDefinitionNode): GraphQLError {
  return new GraphQLError(`Cannot spread fragment "${fragment.name.value}" within itself.`, { nodes: fragment });
}

function noOperation({ definitions }: DocumentNode, operationName: string | undefined): GraphQLError {
  const operations = definitions.filter((definition) => definition.kind === Kind.OPERATION_DEFINITION);
  const problem = operationName === undefined ? 'is missing' : `${quoteInput(operationName)} is unknown`;
  const example = operations.find(({ name }) => name)?.name?.value;
  return new GraphQLError(
    `operationName: ${problem}; expected the name of an operation in the document, which has ${operations.length}${example ? `, such as ${quoteInput(example)}` : ''}.`,
  );
}

function guardVariables(variables: Readonly<Record<string, unknown>>, limits: Limits): void {
  const violation = findVariablesViolation(variables, limits);
  if (violation) throw new LimitError(413, limitViolationError(violation));
}

/** The parser reports too many tokens as a syntax error. A deep document can overflow the stack before. */
function parseFailed(error: GraphQLError, text: string, { tokens }: Limits): Unprepared {
  const isTooLong =
    error.message.includes(`more than ${tokens} tokens`) ||
    (error.message === NESTED_TOO_DEEP && hasMoreTokens(text, tokens));
  return isTooLong ? rejected({ limit: 'tokens', max: tokens }) : failed('GRAPHQL_PARSE_FAILED', [error]);
}

const NESTED_TOO_DEEP = 'query: is nested too deep to be parsed; expected less nesting of lists, objects and fields.';

/**
 * Returns the result of `read`, or the GraphQLError that it throws. GraphQL's parser and rules recurse, so that a deep
 * document overflows the stack.
 */
function orGraphQLError<T>(read: () => T): T | GraphQLError {
  try {
    return read();
  } catch (error) {
    if (error instanceof GraphQLError) return error;
    if (error instanceof RangeError) {
      return new GraphQLError(NESTED_TOO_DEEP, { extensions: { code: 'QUERY_TOO_COMPLEX' satisfies ErrorCode } });
    }
    throw error;
  }
}

function rejected(violation: LimitViolation): Unprepared {
  return { result: { errors: [limitViolationError(violation)] } };
}

function failed(code: ErrorCode, errors: readonly GraphQLError[]): Unprepared {
  const coded = errors.map(
    ({ message, source, positions, nodes, extensions: { code: own = code } }) =>
      new GraphQLError(truncate(escapeUnsafe(message)), { nodes, source, positions, extensions: { code: own } }),
  );
  return { result: { errors: coded } };
}

const MAX_MESSAGE_LENGTH = 500;

// Messages of GraphQL contain names that clients choose.
function truncate(message: string): string {
  return message.length <= MAX_MESSAGE_LENGTH ? message : `${message.slice(0, MAX_MESSAGE_LENGTH)}…`;
}
