import {
  type DocumentNode,
  type FieldNode,
  type GraphQLNamedType,
  type GraphQLSchema,
  isObjectType,
  type OperationDefinitionNode,
  type SelectionNode,
  type ValueNode,
  valueFromASTUntyped,
} from 'graphql';
import type { ReadArgument } from '../../schema/core/field-cost.ts';
import { FieldCollector, MAX_FIELDS, selectionSetsOf, type TypedSelectionSet } from './field-collector.ts';
import { fragmentsOf } from './fragments.ts';
import { type FieldWeight, fieldWeightsOf } from './weights.ts';

// The cost of a query in points: one for each upstream call in the worst case, with an empty cache, and one per 100
// objects in the response. The cost of a field is declared in the schema (src/schema/core/field-cost.ts).

const OBJECTS_PER_POINT = 100;

type Variables = Readonly<Record<string, unknown>>;

type TypedSets = readonly TypedSelectionSet<GraphQLNamedType>[];

/** The selections of one kind of object in the response. */
interface SelectionLevel {
  readonly sets: TypedSets;
  /** Estimated number of such objects. */
  readonly parents: number;
  /** Estimated length of a list that a field of them returns. */
  readonly size: number;
}

/** A field with cost, and all document nodes that are merged into it. */
interface CostedField {
  readonly weight: FieldWeight;
  readonly nodes: FieldNode[];
}

/**
 * Estimates the points of a valid operation with these variables: at least 1, Infinity above `MAX_FIELDS` fields.
 * Not a validation rule: the cost depends on the variables, and valid documents are cached. `onRead` gets the name of each
 * variable whose value the estimate depends on.
 */
export function estimateCost(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
  variables: Variables,
  onRead?: (name: string) => void,
): number {
  const type = schema.getRootType(operation.operation);
  if (!type) return 1;
  const known = valuesOf(operation, variables);
  const values = onRead ? observed(known, onRead) : known;
  const collector = new FieldCollector<GraphQLNamedType>(fragmentsOf(document), {
    visit: (selection) => isIncluded(selection, values),
    narrow: (type, condition) => narrow(type, condition, schema),
  });
  const { selectionSet } = operation;
  const pending: SelectionLevel[] = [{ sets: [{ selectionSet, type }], parents: 1, size: 1 }];
  let calls = 0;
  let objects = 0;
  for (let level = pending.pop(); level; level = pending.pop()) {
    const fields = costedFieldsOf(level.sets, collector);
    if (collector.visited > MAX_FIELDS) return Number.POSITIVE_INFINITY;
    for (const { weight, nodes } of fields) {
      const { cost, isList, type } = weight;
      const read = argumentReader(nodes[0], values);
      const size = cost?.size(read) ?? level.size;
      const items = level.parents * (isList ? size : 1);
      calls += level.parents * (cost?.calls(read) ?? 0);
      objects += (type ? items : 0) + level.parents * (cost?.weight(read) ?? 0);
      if (type) pending.push({ sets: selectionSetsOf(nodes, type), parents: items, size: isList ? 1 : size });
    }
  }
  return Math.max(1, Math.ceil(calls) + Math.floor(objects / OBJECTS_PER_POINT));
}

function argumentReader(field: FieldNode | undefined, values: Variables): ReadArgument {
  return (name) => evaluate(field?.arguments?.find((argument) => argument.name.value === name)?.value, values);
}

const evaluate = (node: ValueNode | undefined, values: Variables) => node && valueFromASTUntyped(node, values);

/** Returns the variables with their defaults. A variable without a value and a default is missing, as in execution. */
function valuesOf({ variableDefinitions = [] }: OperationDefinitionNode, variables: Variables): Variables {
  const values: Record<string, unknown> = Object.create(null);
  for (const { variable, defaultValue } of variableDefinitions) {
    const name = variable.name.value;
    if (Object.hasOwn(variables, name)) values[name] = variables[name];
    else if (defaultValue) values[name] = valueFromASTUntyped(defaultValue);
  }
  return values;
}

/** The same values, with a callback before each one is read. */
function observed(values: Variables, onRead: (name: string) => void): Variables {
  return new Proxy(values, {
    get(target, name) {
      if (typeof name === 'string') onRead(name);
      return Reflect.get(target, name);
    },
  });
}

/** Whether `@skip` and `@include` include the selection. */
function isIncluded({ directives = [] }: SelectionNode, values: Variables): boolean {
  return directives.every(({ name, arguments: [condition] = [] }) => {
    if (name.value === 'skip') return evaluate(condition?.value, values) !== true;
    return name.value !== 'include' || evaluate(condition?.value, values) !== false;
  });
}

function narrow(type: GraphQLNamedType, condition: string | undefined, schema: GraphQLSchema) {
  const narrower = condition === undefined ? type : schema.getType(condition);
  if (!isObjectType(type)) return narrower;
  return isObjectType(narrower) && narrower !== type ? undefined : type;
}

// An object can be of one of several types. Each type has its own fields, and the costs of all types are added.
function costedFieldsOf(sets: TypedSets, collector: FieldCollector<GraphQLNamedType>): Iterable<CostedField> {
  const fields = new Map<string, CostedField>();
  collector.collect(sets, (node, type) => {
    const weight = fieldWeightsOf(type).get(node.name.value);
    if (!weight) return;
    const key = `${type.name} ${(node.alias ?? node.name).value}`;
    const sameKey = fields.get(key);
    if (sameKey) sameKey.nodes.push(node);
    else fields.set(key, { weight, nodes: [node] });
  });
  return fields.values();
}
