import {
  BREAK,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLAbstractType,
  type GraphQLField,
  GraphQLIncludeDirective,
  type GraphQLLeafType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  GraphQLSkipDirective,
  getArgumentValues,
  getDirectiveValues,
  isAbstractType,
  isLeafType,
  isListType,
  isNonNullType,
  Kind,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
  TypeNameMetaFieldDef,
  typeFromAST,
  type ValidatedExecutionArgs,
  visit,
} from 'graphql';
import { MEMBER_BYTES, meteringOf } from '../../schema/core/metered-fields.ts';
import type { Fragments } from '../limits/fragments.ts';

export type VariableValues = ValidatedExecutionArgs['variableValues'];
type Field = GraphQLField<unknown, unknown>;
type Args = Readonly<Record<string, unknown>>;
type Resolve = (source: unknown, args: Args, context: unknown, info: GraphQLResolveInfo | undefined) => unknown;

/** A field of one object type in the response: all that does not depend on the request. */
export interface FieldPlan {
  /** The name in the response: alias or field name. */
  readonly key: string;
  readonly nodes: readonly FieldNode[];
  readonly parentType: GraphQLObjectType;
  readonly definition: Field;
  readonly resolve: Resolve;
  /** Whether the resolver reads `info`: one that declares fewer than four parameters does not. */
  readonly needsInfo: boolean;
  /** The arguments; null when they depend on variables. */
  readonly args: Args | null;
  /** Whether the field counts the bytes of its value, and how many bytes its name takes. */
  readonly isMetered: boolean;
  readonly memberBytes: number;
  readonly output: OutputPlan;
}

/** How a value of one type is completed. */
export type OutputPlan = { readonly isNonNull: boolean } & (
  | { readonly kind: 'leaf'; readonly type: GraphQLLeafType }
  | { readonly kind: 'list'; readonly item: OutputPlan }
  | { readonly kind: 'object'; readonly type: GraphQLObjectType; selection: SelectionPlan | null }
  | {
      readonly kind: 'abstract';
      readonly type: GraphQLAbstractType;
      readonly selections: Map<GraphQLObjectType, SelectionPlan>;
    }
);

/** The fields of one object in the response, in order. */
export interface SelectionPlan {
  readonly fields: readonly FieldPlan[];
  /** An object with all keys: its copies share one hidden class, which takes half the time of adding each key. Measured. */
  readonly template: Readonly<Record<string, unknown>>;
}

const NO_ARGS: Args = Object.freeze(Object.create(null));

/** The document, schema and values of variables in conditions that a plan is for. */
export interface PlanOptions {
  readonly schema: GraphQLSchema;
  readonly fragments: Fragments;
  readonly hideSuggestions: boolean;
  readonly operation: OperationDefinitionNode;
}

/**
 * Plans the selections of one operation with given values of the variables in `@skip` and `@include`. The selection of each
 * type is planned when its first object is executed, and stored. Planning costs what graphql-js spends in every execution.
 */
export class OperationPlan {
  readonly options: PlanOptions;
  /** Number of planned fields. */
  size = 0;
  #root: SelectionPlan | null = null;

  constructor(options: PlanOptions) {
    this.options = options;
  }

  /** Returns the root fields. Throws a GraphQLError when a condition has no value. */
  root(type: GraphQLObjectType, values: VariableValues): SelectionPlan {
    this.#root ??= this.#planSelection(type, [this.options.operation.selectionSet], values);
    return this.#root;
  }

  /** Returns the fields of an object of this type below a field. Throws a GraphQLError when a condition has no value. */
  selectionOf(
    output: OutputPlan & { kind: 'object' | 'abstract' },
    nodes: readonly FieldNode[],
    type: GraphQLObjectType,
    values: VariableValues,
  ): SelectionPlan {
    const known = output.kind === 'object' ? output.selection : output.selections.get(type);
    if (known) return known;
    const sets = nodes.flatMap(({ selectionSet }) => selectionSet ?? []);
    const selection = this.#planSelection(type, sets, values);
    if (output.kind === 'object') output.selection = selection;
    else output.selections.set(type, selection);
    return selection;
  }

  #planSelection(type: GraphQLObjectType, sets: readonly SelectionSetNode[], values: VariableValues): SelectionPlan {
    const nodesByKey = new Map<string, FieldNode[]>();
    const spread = new Set<FragmentDefinitionNode>();
    for (const set of sets) this.#collect(type, set, values, nodesByKey, spread);
    const fields: FieldPlan[] = [];
    for (const [key, nodes] of nodesByKey) {
      const field = planField(key, nodes, type, this.options);
      if (field) fields.push(field);
    }
    this.size += fields.length;
    return { fields, template: templateOf(fields) };
  }

  /** CollectFields() of the GraphQL specification. */
  #collect(
    type: GraphQLObjectType,
    { selections }: SelectionSetNode,
    values: VariableValues,
    nodesByKey: Map<string, FieldNode[]>,
    spread: Set<FragmentDefinitionNode>,
  ): void {
    const { fragments, schema, hideSuggestions } = this.options;
    for (const selection of selections) {
      if (!isIncluded(selection, values, hideSuggestions)) continue;
      if (selection.kind === Kind.FIELD) {
        const key = (selection.alias ?? selection.name).value;
        const nodes = nodesByKey.get(key);
        if (nodes) nodes.push(selection);
        else nodesByKey.set(key, [selection]);
        continue;
      }
      const fragment = selection.kind === Kind.INLINE_FRAGMENT ? selection : fragments.get(selection.name.value);
      if (!fragment || !matches(fragment.typeCondition, type, schema)) continue;
      if (fragment.kind === Kind.FRAGMENT_DEFINITION) {
        if (spread.has(fragment)) continue;
        spread.add(fragment);
      }
      this.#collect(type, fragment.selectionSet, values, nodesByKey, spread);
    }
  }
}

function isIncluded(selection: SelectionNode, values: VariableValues, hideSuggestions: boolean): boolean {
  if (!selection.directives?.length) return true;
  const condition = (directive: typeof GraphQLSkipDirective) =>
    getDirectiveValues(directive, selection, values, undefined, hideSuggestions)?.['if'];
  return condition(GraphQLSkipDirective) !== true && condition(GraphQLIncludeDirective) !== false;
}

function matches(
  condition: FragmentDefinitionNode['typeCondition'] | undefined,
  type: GraphQLObjectType,
  schema: GraphQLSchema,
) {
  if (!condition) return true;
  const conditionType = typeFromAST(schema, condition);
  return conditionType === type || (isAbstractType(conditionType) && schema.isSubType(conditionType, type));
}

function planField(
  key: string,
  nodes: readonly FieldNode[],
  parentType: GraphQLObjectType,
  { schema, operation }: PlanOptions,
): FieldPlan | null {
  const [node] = nodes;
  const definition = node && schema.getField(parentType, node.name.value);
  if (!definition) return null;
  const { resolve, isMetered } = meteringOf(definition);
  return {
    key,
    nodes,
    parentType,
    definition,
    // Called without `info` only when it declares no such parameter.
    resolve: definition === TypeNameMetaFieldDef ? () => parentType.name : (resolve as Resolve),
    args: operation.operation === 'mutation' ? null : constantArgs(definition, node),
    isMetered,
    needsInfo: resolve.length === 0 || resolve.length > 3,
    memberBytes: MEMBER_BYTES + key.length,
    output: planOutput(definition.type, false),
  };
}

/** Returns the arguments when they are the same in each execution and valid. Not for a mutation, which could keep its input. */
function constantArgs(definition: Field, node: FieldNode): Args | null {
  if (definition.args.length === 0) return NO_ARGS;
  if (usesVariables(node)) return null;
  try {
    return getArgumentValues(definition, node, { sources: {}, coerced: {} });
  } catch {
    return null; // Each execution throws the error again.
  }
}

function usesVariables(node: FieldNode): boolean {
  let isFound = false;
  visit(node, {
    SelectionSet: () => false,
    Directive: () => false,
    Variable() {
      isFound = true;
      return BREAK;
    },
  });
  return isFound;
}

function planOutput(type: GraphQLOutputType, isNonNull: boolean): OutputPlan {
  if (isNonNullType(type)) return planOutput(type.ofType, true);
  if (isListType(type)) return { kind: 'list', isNonNull, item: planOutput(type.ofType, false) };
  if (isLeafType(type)) return { kind: 'leaf', isNonNull, type };
  if (isAbstractType(type)) return { kind: 'abstract', isNonNull, type, selections: new Map() };
  return { kind: 'object', isNonNull, type, selection: null };
}

// JSON.parse creates an object with a hidden class, also for many keys, and `__proto__` as a key like any other.
function templateOf(fields: readonly FieldPlan[]): Readonly<Record<string, unknown>> {
  return JSON.parse(`{${fields.map(({ key }) => `"${key}":null`).join()}}`);
}
