import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  Kind,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';
import { circularOf, type Fragments, fragmentsOf } from './fragments.ts';

/** How large a document is. A fragment counts wherever it is spread, and what is merged into one field counts once. */
export interface DocumentShape {
  /** A fragment that spreads itself, which GraphQL refuses: nothing is counted then. */
  readonly circular: FragmentDefinitionNode | undefined;
  /** Most fields inside one another, introspection left out. */
  readonly depth: number;
  readonly aliases: number;
  readonly directives: number;
  /** Most directives in one place. */
  readonly directivesTogether: number;
  /** Most fields at the root of an operation. */
  readonly rootFields: number;
  /** Most fields inside one another in introspection; and of these only the lists of types or fields. */
  readonly introspectionDepth: number;
  readonly introspectionLists: number;
  /** Most fields that are merged into one, or fragments spread in one place: validation compares each with each. */
  readonly overlaps: number;
  /** Selections that were looked at; when there are more than `MAX_FIELDS`, the counting has ended. */
  readonly fields: number;
}

/** Where counting ends: however often fragments are spread in fragments, it takes no longer than this. */
export const MAX_FIELDS = 10_000;

const shapes = new WeakMap<DocumentNode, DocumentShape>();

/** Measures a document, once. Never throws, whatever the document, and uses no stack however deep it is. */
export function measureDocument(document: DocumentNode): DocumentShape {
  const known = shapes.get(document);
  if (known) return known;
  const shape = measure(document);
  shapes.set(document, shape);
  return shape;
}

type Tally = { -readonly [Name in Exclude<keyof DocumentShape, 'circular'>]: number };

interface Count {
  readonly fragments: Fragments;
  readonly tally: Tally;
  /** The fragments that were come by. */
  readonly spread: Set<FragmentDefinitionNode>;
}

function measure(document: DocumentNode): DocumentShape {
  const tally = { ...NOTHING };
  const fragments = fragmentsOf(document);
  const circular = circularOf(fragments);
  if (circular) return { ...tally, circular };
  const count: Count = { fragments, tally, spread: new Set() };
  for (const definition of document.definitions) {
    if (definition.kind !== Kind.OPERATION_DEFINITION) continue;
    for (const node of [definition, ...(definition.variableDefinitions ?? [])]) countDirectives(node, tally);
    const rootFields = walk(definition.selectionSet, count);
    tally.rootFields = Math.max(tally.rootFields, rootFields);
  }
  for (const definition of document.definitions) {
    if (definition.kind !== Kind.FRAGMENT_DEFINITION) continue;
    countDirectives(definition, tally);
    if (!count.spread.has(definition)) walk(definition.selectionSet, count); // Validated too, though nobody asks for it.
  }
  return { ...tally, circular };
}

const NOTHING: Tally = {
  depth: 0,
  aliases: 0,
  directives: 0,
  directivesTogether: 0,
  rootFields: 0,
  introspectionDepth: 0,
  introspectionLists: 0,
  overlaps: 0,
  fields: 0,
};

function countDirectives({ directives = [] }: Pick<SelectionNode, 'directives'>, tally: Tally): void {
  tally.directives += directives.length;
  tally.directivesTogether = Math.max(tally.directivesTogether, directives.length);
}

/** One place in the answer: all that is selected there, from however many parts of the document. */
interface SelectionLevel {
  readonly sets: readonly SelectionSetNode[];
  readonly depth: number;
  readonly isIntrospection: boolean;
  /** How many lists of types or fields lead here. */
  readonly lists: number;
}

/** Counts all below a selection set. Gives how many fields stand in it. */
function walk(root: SelectionSetNode, count: Count): number {
  const { tally } = count;
  let rootFields = 0;
  const open: SelectionLevel[] = [{ sets: [root], depth: 1, isIntrospection: false, lists: 0 }];
  for (let place = open.pop(); place && tally.fields <= MAX_FIELDS; place = open.pop()) {
    const fields = gather(place.sets, count);
    if (place.depth === 1) rootFields = fields.size;
    for (const [key, nodes] of fields) {
      const name = nodes[0]?.name.value ?? '';
      if (key !== name) tally.aliases++;
      tally.overlaps = Math.max(tally.overlaps, nodes.length);
      const inner = placeIn(place, name, nodes);
      countDepth(place.depth, inner, tally);
      if (inner.sets.length > 0) open.push(inner);
    }
  }
  return rootFields;
}

// Lists that lead from one type to many others: three inside one another are most of the schema many times over.
const LISTS_OF_TYPES: ReadonlySet<string> = new Set(['types', 'fields', 'inputFields', 'interfaces', 'possibleTypes']);

function placeIn(
  { depth, isIntrospection, lists }: SelectionLevel,
  name: string,
  nodes: readonly FieldNode[],
): SelectionLevel {
  return {
    sets: nodes.flatMap(({ selectionSet }) => selectionSet ?? []),
    depth: depth + 1,
    isIntrospection: isIntrospection || name === '__schema' || name === '__type',
    lists: isIntrospection && LISTS_OF_TYPES.has(name) ? lists + 1 : lists,
  };
}

function countDepth(depth: number, { isIntrospection, lists }: SelectionLevel, tally: Tally): void {
  if (!isIntrospection) {
    tally.depth = Math.max(tally.depth, depth);
    return;
  }
  tally.introspectionDepth = Math.max(tally.introspectionDepth, depth);
  tally.introspectionLists = Math.max(tally.introspectionLists, lists);
}

/** The fields of one place by their names in the answer, through all fragments: each fragment once, as execution does. */
function gather(sets: readonly SelectionSetNode[], { fragments, tally, spread }: Count): Map<string, FieldNode[]> {
  const fields = new Map<string, FieldNode[]>();
  const here = new Set<FragmentDefinitionNode>();
  const open = [...sets];
  for (let set = open.pop(); set && tally.fields <= MAX_FIELDS; set = open.pop()) {
    for (const selection of set.selections) {
      tally.fields++;
      countDirectives(selection, tally);
      if (selection.kind === Kind.FIELD) add(fields, selection);
      else if (selection.kind === Kind.INLINE_FRAGMENT) open.push(selection.selectionSet);
      else {
        const fragment = fragments.get(selection.name.value);
        if (!fragment || here.has(fragment)) continue;
        here.add(fragment);
        spread.add(fragment);
        open.push(fragment.selectionSet);
      }
    }
  }
  tally.overlaps = Math.max(tally.overlaps, here.size);
  return fields;
}

function add(fields: Map<string, FieldNode[]>, field: FieldNode): void {
  const key = (field.alias ?? field.name).value;
  const others = fields.get(key);
  if (others) others.push(field);
  else fields.set(key, [field]);
}
