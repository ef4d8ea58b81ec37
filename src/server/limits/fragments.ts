import { type DocumentNode, type FragmentDefinitionNode, Kind, type SelectionSetNode } from 'graphql';

export type Fragments = ReadonlyMap<string, FragmentDefinitionNode>;

export function fragmentsOf({ definitions }: DocumentNode): Fragments {
  const fragments = definitions.filter((definition) => definition.kind === Kind.FRAGMENT_DEFINITION);
  return new Map(fragments.map((fragment) => [fragment.name.value, fragment]));
}

/** Finds a fragment that spreads itself, directly or through others. Takes linear time and no recursion. */
export function findCircularFragment(fragments: Fragments): FragmentDefinitionNode | undefined {
  const ancestors = new Set<string>(); // Fragments on the path to the current one.
  const done = new Set<string>();
  const pending = [...fragments.keys()];
  for (let name = pending.at(-1); name !== undefined; name = pending.at(-1)) {
    if (ancestors.has(name) || done.has(name)) {
      pending.pop();
      if (ancestors.delete(name)) done.add(name);
      continue;
    }
    ancestors.add(name);
    for (const next of spreadNamesIn(fragments.get(name))) {
      if (ancestors.has(next)) return fragments.get(next);
      if (!done.has(next)) pending.push(next);
    }
  }
  return undefined;
}

/** Returns the names of all fragments that are spread in this one, in nested selections too. */
function spreadNamesIn(fragment: FragmentDefinitionNode | undefined): ReadonlySet<string> {
  const names = new Set<string>();
  const pending: SelectionSetNode[] = fragment ? [fragment.selectionSet] : [];
  for (let set = pending.pop(); set; set = pending.pop()) {
    for (const selection of set.selections) {
      if (selection.kind === Kind.FRAGMENT_SPREAD) names.add(selection.name.value);
      else if (selection.selectionSet) pending.push(selection.selectionSet);
    }
  }
  return names;
}
