import {
  type DocumentNode,
  type FieldNode,
  type FragmentSpreadNode,
  type GraphQLNamedType,
  type GraphQLSchema,
  type InlineFragmentNode,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
  type ValueNode,
  valueFromASTUntyped,
} from 'graphql';
import type { ReadArgument } from '../../schema/core/field-cost.ts';
import { MAX_FIELDS } from './document-shape.ts';
import { type Fragments, fragmentsOf } from './fragments.ts';
import { type FieldWeight, fieldWeightsOf } from './weights.ts';

// What a query may cost: a point for each upstream call that it may cause when nothing is kept, and one for every 100
// objects that may be in its answer. What a field costs stands beside it in the schema (src/schema/core/field-cost.ts).

const OBJECTS_PER_POINT = 100;

type Variables = Readonly<Record<string, unknown>>;

/** What is selected somewhere, as of which type. */
interface Selected {
  readonly set: SelectionSetNode;
  readonly type: GraphQLNamedType;
}

interface Place {
  readonly selected: readonly Selected[];
  /** In how many objects of the answer. */
  readonly parents: number;
  /** How long a list in it is. */
  readonly size: number;
}

/** A field that counts, from however many parts of the document. */
interface Heavy {
  readonly weight: FieldWeight;
  readonly nodes: FieldNode[];
}

/**
 * The points of a valid operation with these variables, 1 at least; Infinity for one with more fields than are counted.
 * It depends on the request, so that it is no validation rule: Yoga keeps what those have found, by their names.
 */
export function costOf(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
  variables: Variables,
): number {
  const root = schema.getRootType(operation.operation);
  const look: Look = {
    schema,
    fragments: fragmentsOf(document),
    values: valuesOf(operation, variables),
    left: MAX_FIELDS,
  };
  const open: Place[] = root ? [{ selected: [{ set: operation.selectionSet, type: root }], parents: 1, size: 1 }] : [];
  let calls = 0;
  let objects = 0;
  for (let place = open.pop(); place; place = open.pop()) {
    const fields = gather(place.selected, look);
    if (look.left < 0) return Number.POSITIVE_INFINITY;
    for (const { weight, nodes } of fields) {
      const { cost, isList, type } = weight;
      const read = readerOf(nodes[0], look.values);
      const size = cost?.size(read) ?? place.size;
      const items = place.parents * (isList ? size : 1);
      calls += place.parents * (cost?.calls(read) ?? 0);
      objects += (type ? items : 0) + place.parents * (cost?.weight(read) ?? 0);
      if (type) open.push({ selected: selectedIn(nodes, type), parents: items, size: isList ? 1 : size });
    }
  }
  return Math.max(1, Math.ceil(calls) + Math.floor(objects / OBJECTS_PER_POINT));
}

/** What is looked at, and how many more selections may be. */
interface Look {
  readonly schema: GraphQLSchema;
  readonly fragments: Fragments;
  readonly values: Variables;
  left: number;
}

function selectedIn(nodes: readonly FieldNode[], type: GraphQLNamedType): Selected[] {
  return nodes.flatMap(({ selectionSet: set }) => (set ? { set, type } : []));
}

function readerOf(field: FieldNode | undefined, values: Variables): ReadArgument {
  return (name) => valueIn(field?.arguments?.find((argument) => argument.name.value === name)?.value, values);
}

const valueIn = (node: ValueNode | undefined, values: Variables) => node && valueFromASTUntyped(node, values);

// Those that are not given and have no default are missing, as in execution.
function valuesOf({ variableDefinitions = [] }: OperationDefinitionNode, given: Variables): Variables {
  const values: Record<string, unknown> = Object.create(null);
  for (const { variable, defaultValue } of variableDefinitions) {
    const name = variable.name.value;
    if (Object.hasOwn(given, name)) values[name] = given[name];
    else if (defaultValue) values[name] = valueFromASTUntyped(defaultValue);
  }
  return values;
}

/** The fields of one place that count, through all fragments. */
function gather(selected: readonly Selected[], look: Look): Iterable<Heavy> {
  const fields = new Map<string, Heavy>();
  const seen = new Set<string>();
  const open = [...selected];
  for (let next = open.pop(); next && look.left >= 0; next = open.pop()) {
    look.left -= next.set.selections.length;
    for (const selection of next.set.selections) {
      if (!isIn(selection, look.values)) continue;
      if (selection.kind === Kind.FIELD) {
        add(fields, selection, next.type);
        continue;
      }
      const inner = within(selection, next.type, look);
      const key =
        selection.kind === Kind.FRAGMENT_SPREAD && inner ? `${inner.type.name} ${selection.name.value}` : null;
      if (!inner || (key !== null && seen.has(key))) continue;
      if (key !== null) seen.add(key);
      open.push(inner);
    }
  }
  return fields.values();
}

/** What a fragment selects of a type; null when no object there is of the fragment's. */
function within(
  selection: FragmentSpreadNode | InlineFragmentNode,
  type: GraphQLNamedType,
  look: Look,
): Selected | null {
  const isInline = selection.kind === Kind.INLINE_FRAGMENT;
  const fragment = isInline ? selection : look.fragments.get(selection.name.value);
  const narrower = fragment && narrowed(type, fragment.typeCondition?.name.value, look.schema);
  return narrower ? { set: fragment.selectionSet, type: narrower } : null;
}

/** Whether `@skip` and `@include` leave it in. */
function isIn({ directives = [] }: SelectionNode, values: Variables): boolean {
  return directives.every(({ name, arguments: [condition] = [] }) => {
    if (name.value === 'skip') return valueIn(condition?.value, values) !== true;
    return name.value !== 'include' || valueIn(condition?.value, values) !== false;
  });
}

function narrowed(type: GraphQLNamedType, condition: string | undefined, schema: GraphQLSchema) {
  const narrower = condition === undefined ? type : (schema.getType(condition) ?? null);
  if (!isObjectType(type)) return narrower;
  return isObjectType(narrower) && narrower !== type ? null : type;
}

// In a place for objects of several types each has fields of its own, and the prices of all add up.
function add(fields: Map<string, Heavy>, node: FieldNode, type: GraphQLNamedType): void {
  const weight = fieldWeightsOf(type).get(node.name.value);
  if (!weight) return;
  const key = `${type.name} ${(node.alias ?? node.name).value}`;
  const others = fields.get(key);
  if (others) others.nodes.push(node);
  else fields.set(key, { weight, nodes: [node] });
}
