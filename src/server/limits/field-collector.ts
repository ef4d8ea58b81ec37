import { type FieldNode, type FragmentDefinitionNode, Kind, type SelectionNode, type SelectionSetNode } from 'graphql';
import type { Fragments } from './fragments.ts';

/** Maximum selections that one collector visits. Bounds the time, however often fragments spread other fragments. */
export const MAX_FIELDS = 10_000;

/** A selection set, and the type that it selects from. */
export interface TypedSelectionSet<Type> {
  readonly selectionSet: SelectionSetNode;
  readonly type: Type;
}

/** Returns the selection sets of fields that are merged into one. */
export function selectionSetsOf<Type>(fields: readonly FieldNode[], type: Type): TypedSelectionSet<Type>[] {
  const sets: TypedSelectionSet<Type>[] = [];
  for (const { selectionSet } of fields) if (selectionSet) sets.push({ selectionSet, type });
  return sets;
}

/** The decisions of a collector. */
export interface CollectorRules<Type> {
  /** Called for each visited selection; false excludes it. */
  visit(selection: SelectionNode): boolean;
  /** The type inside a fragment with this type condition; undefined when no object of `type` matches it. */
  narrow(type: Type, condition: string | undefined): Type | undefined;
}

/** Collects the fields of one response object after another, as CollectFields() of the GraphQL specification does. */
export class FieldCollector<Type> {
  readonly #fragments: Fragments;
  readonly #rules: CollectorRules<Type>;
  #visited = 0;

  constructor(fragments: Fragments, rules: CollectorRules<Type>) {
    this.#fragments = fragments;
    this.#rules = rules;
  }

  /** Selections visited so far. Above `MAX_FIELDS`, the fields are incomplete. */
  get visited(): number {
    return this.#visited;
  }

  /**
   * Calls `onField` for each field that one object selects, through all fragments; a fragment counts once per type.
   * Returns the fragments that were spread.
   */
  collect(
    selectionSets: readonly TypedSelectionSet<Type>[],
    onField: (field: FieldNode, type: Type) => void,
  ): ReadonlyMap<FragmentDefinitionNode, readonly Type[]> {
    let spreads: Map<FragmentDefinitionNode, Type[]> | undefined; // Most objects spread none.
    const pending = [...selectionSets];
    for (let next = pending.pop(); next && this.#visited <= MAX_FIELDS; next = pending.pop()) {
      const { selections } = next.selectionSet;
      this.#visited += selections.length;
      for (const selection of selections) {
        if (!this.#rules.visit(selection)) continue;
        if (selection.kind === Kind.FIELD) {
          onField(selection, next.type);
          continue;
        }
        const fragment =
          selection.kind === Kind.INLINE_FRAGMENT ? selection : this.#fragments.get(selection.name.value);
        if (!fragment) continue;
        const type = this.#rules.narrow(next.type, fragment.typeCondition?.name.value);
        if (type === undefined) continue;
        if (fragment.kind === Kind.FRAGMENT_DEFINITION) {
          spreads ??= new Map();
          if (!addSpread(spreads, fragment, type)) continue;
        }
        pending.push({ selectionSet: fragment.selectionSet, type });
      }
    }
    return spreads ?? NO_SPREADS;
  }
}

const NO_SPREADS: ReadonlyMap<FragmentDefinitionNode, never[]> = new Map();

/** Returns false when the fragment was already spread on this type. */
function addSpread<Type>(
  spreads: Map<FragmentDefinitionNode, Type[]>,
  fragment: FragmentDefinitionNode,
  type: Type,
): boolean {
  const types = spreads.get(fragment);
  if (types?.includes(type)) return false;
  if (types) types.push(type);
  else spreads.set(fragment, [type]);
  return true;
}
