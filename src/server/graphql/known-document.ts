import { type DocumentNode, type GraphQLSchema, getOperationAST, type OperationDefinitionNode } from 'graphql';
import { createCostMemo } from '../limits/cost-memo.ts';
import { type PlannedOperation, planOperation } from './planned-operation.ts';

/** An operation of a valid document, with everything that is computed once for all its requests. */
export interface KnownOperation extends PlannedOperation {
  readonly node: OperationDefinitionNode;
  /** Returns the points of a request with these variables. */
  costOf(variables: Readonly<Record<string, unknown>>): number;
}

interface KnownDocumentOptions {
  readonly schema: GraphQLSchema;
  /** Whether errors of execution suggest no names of the schema. */
  readonly hideSuggestions: boolean;
}

/** A document that is within all limits and valid. */
export class KnownDocument {
  readonly document: DocumentNode;
  readonly #options: KnownDocumentOptions;
  readonly #operations = new Map<string, KnownOperation>();

  constructor(document: DocumentNode, { schema, hideSuggestions }: KnownDocumentOptions) {
    this.document = document;
    this.#options = { schema, hideSuggestions };
  }

  /** Returns an operation by its name, or the only one; undefined when there is none. */
  operation(name: string | undefined): KnownOperation | undefined {
    const key = name ?? '';
    const known = this.#operations.get(key);
    if (known) return known;
    const node = getOperationAST(this.document, name);
    if (!node) return undefined;
    const operation = createOperation(node, this.document, this.#options);
    this.#operations.set(key, operation);
    return operation;
  }

  /** Number of fields in the plans of all operations. */
  get plannedFields(): number {
    return this.#operations.values().reduce((fields, { plannedFields }) => fields + plannedFields, 0);
  }
}

function createOperation(
  node: OperationDefinitionNode,
  document: DocumentNode,
  { schema, hideSuggestions }: KnownDocumentOptions,
): KnownOperation {
  const planned = planOperation({ schema, document, operation: node, hideSuggestions });
  return Object.assign(planned, { node, costOf: createCostMemo(schema, document, node) });
}
