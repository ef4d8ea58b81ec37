import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  Kind,
  type NameNode,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';
import { FieldCollector, MAX_FIELDS, selectionSetsOf, type TypedSelectionSet } from './field-collector.ts';
import { findCircularFragment, fragmentsOf } from './fragments.ts';

/** The size of a document. A fragment counts at each place where it is spread; fields that are merged count once. */
export interface DocumentShape {
  /** A fragment that spreads itself, which GraphQL rejects. All numbers are 0 then. */
  readonly circular: FragmentDefinitionNode | undefined;
  /** Maximum nested fields, without introspection. */
  readonly depth: number;
  readonly aliases: number;
  readonly directives: number;
  /** Maximum directives at one location. */
  readonly directivesTogether: number;
  /** Maximum root fields of an operation. */
  readonly rootFields: number;
  /** Maximum nested fields of introspection. */
  readonly introspectionDepth: number;
  /** Maximum nested lists of types or fields in introspection. */
  readonly introspectionLists: number;
  /** Maximum fields that are merged into one, or fragments spread in one object: validation compares all pairs. */
  readonly overlaps: number;
  /** Pairs of fields that are merged into one, and of fragments spread in one object: validation compares each. */
  readonly comparisons: number;
  /** Maximum arguments of one name at one field, or variables of one name: the error for them locates each. */
  readonly duplicates: number;
  /** Visited selections. Above `MAX_FIELDS` the measurement stopped, and all numbers are lower bounds. */
  readonly fields: number;
}

const shapes = new WeakMap<DocumentNode, DocumentShape>();

/** Measures a document; later calls return the same shape. Never throws or recurses, so that a deep document is safe. */
export function measureDocument(document: DocumentNode): DocumentShape {
  const known = shapes.get(document);
  if (known) return known;
  const shape = measure(document);
  shapes.set(document, shape);
  return shape;
}

type Counts = { -readonly [Name in Exclude<keyof DocumentShape, 'circular' | 'fields'>]: number };

/** One measurement in progress. The collector needs no types. */
interface Measurement {
  readonly counts: Counts;
  readonly collector: FieldCollector<null>;
  /** Fragments that were spread so far. */
  readonly spread: Set<FragmentDefinitionNode>;
}

function measure(document: DocumentNode): DocumentShape {
  const counts = { ...ZERO_COUNTS };
  const fragments = fragmentsOf(document);
  const circular = findCircularFragment(fragments);
  if (circular) return { ...counts, fields: 0, circular };
  const visit = (selection: SelectionNode) => {
    countDirectives(selection, counts);
    if (selection.kind === Kind.FIELD) countDuplicates(selection.arguments ?? [], counts);
    return true;
  };
  const collector = new FieldCollector<null>(fragments, { visit, narrow: () => null });
  const measurement: Measurement = { counts, collector, spread: new Set() };
  for (const definition of document.definitions) {
    if (definition.kind !== Kind.OPERATION_DEFINITION) continue;
    for (const node of [definition, ...(definition.variableDefinitions ?? [])]) countDirectives(node, counts);
    countDuplicates(definition.variableDefinitions?.map(({ variable }) => variable) ?? [], counts);
    counts.rootFields = Math.max(counts.rootFields, walk(definition.selectionSet, measurement));
  }
  for (const definition of document.definitions) {
    if (definition.kind !== Kind.FRAGMENT_DEFINITION) continue;
    countDirectives(definition, counts);
    if (!measurement.spread.has(definition)) walk(definition.selectionSet, measurement); // Unused, but validated too.
  }
  return { ...counts, fields: collector.visited, circular };
}

const ZERO_COUNTS: Counts = {
  depth: 0,
  aliases: 0,
  directives: 0,
  directivesTogether: 0,
  rootFields: 0,
  introspectionDepth: 0,
  introspectionLists: 0,
  overlaps: 0,
  comparisons: 0,
  duplicates: 0,
};

function countDuplicates(nodes: readonly { readonly name: NameNode }[], counts: Counts): void {
  if (nodes.length <= counts.duplicates) return; // Most fields have one argument or none.
  const countByName = new Map<string, number>();
  for (const { name } of nodes) {
    const count = (countByName.get(name.value) ?? 0) + 1;
    countByName.set(name.value, count);
    counts.duplicates = Math.max(counts.duplicates, count);
  }
}

const pairsOf = (count: number) => (count * (count - 1)) / 2;

function countDirectives({ directives = [] }: Pick<SelectionNode, 'directives'>, counts: Counts): void {
  if (directives.length === 0) return;
  counts.directives += directives.length;
  counts.directivesTogether = Math.max(counts.directivesTogether, directives.length);
}

/** One object of the response, with the selection sets of all fields that are merged into it. */
interface SelectionLevel {
  readonly sets: readonly TypedSelectionSet<null>[];
  readonly depth: number;
  readonly isIntrospection: boolean;
  /** Number of lists of types or fields on the path to it. */
  readonly lists: number;
}

/** Counts everything below a selection set. Returns the number of its own fields. */
function walk(selectionSet: SelectionSetNode, measurement: Measurement): number {
  const { counts, collector } = measurement;
  let rootFields = 0;
  const root = { sets: [{ selectionSet, type: null }], depth: 1, isIntrospection: false, lists: 0 };
  const pending: SelectionLevel[] = [root];
  for (let level = pending.pop(); level && collector.visited <= MAX_FIELDS; level = pending.pop()) {
    const fields = fieldsByResponseKey(level.sets, measurement);
    if (level.depth === 1) rootFields = fields.size;
    for (const [key, nodes] of fields) {
      const name = nodes[0]?.name.value ?? '';
      if (key !== name) counts.aliases++;
      counts.overlaps = Math.max(counts.overlaps, nodes.length);
      counts.comparisons += pairsOf(nodes.length);
      const inner = levelBelow(level, name, nodes);
      countDepth(level.depth, inner, counts);
      if (inner.sets.length > 0) pending.push(inner);
    }
  }
  return rootFields;
}

// Lists that lead from one type to many others: three nested ones return most of the schema many times.
const LISTS_OF_TYPES: ReadonlySet<string> = new Set(['types', 'fields', 'inputFields', 'interfaces', 'possibleTypes']);

function levelBelow(
  { depth, isIntrospection, lists }: SelectionLevel,
  name: string,
  nodes: readonly FieldNode[],
): SelectionLevel {
  return {
    sets: selectionSetsOf(nodes, null),
    depth: depth + 1,
    isIntrospection: isIntrospection || name === '__schema' || name === '__type',
    lists: isIntrospection && LISTS_OF_TYPES.has(name) ? lists + 1 : lists,
  };
}

function countDepth(depth: number, { isIntrospection, lists }: SelectionLevel, counts: Counts): void {
  if (!isIntrospection) {
    counts.depth = Math.max(counts.depth, depth);
    return;
  }
  counts.introspectionDepth = Math.max(counts.introspectionDepth, depth);
  counts.introspectionLists = Math.max(counts.introspectionLists, lists);
}

function fieldsByResponseKey(
  sets: readonly TypedSelectionSet<null>[],
  { counts, collector, spread }: Measurement,
): Map<string, FieldNode[]> {
  const fields = new Map<string, FieldNode[]>();
  const spreads = collector.collect(sets, (field) => {
    const key = (field.alias ?? field.name).value;
    const sameKey = fields.get(key);
    if (sameKey) sameKey.push(field);
    else fields.set(key, [field]);
  });
  for (const fragment of spreads.keys()) spread.add(fragment);
  counts.overlaps = Math.max(counts.overlaps, spreads.size);
  counts.comparisons += pairsOf(spreads.size);
  return fields;
}
