import { type DocumentNode, type FragmentDefinitionNode, Kind, type SelectionSetNode } from 'graphql';

export type Fragments = ReadonlyMap<string, FragmentDefinitionNode>;

export function fragmentsOf({ definitions }: DocumentNode): Fragments {
  const fragments = definitions.filter((definition) => definition.kind === Kind.FRAGMENT_DEFINITION);
  return new Map(fragments.map((fragment) => [fragment.name.value, fragment]));
}

/** A fragment that spreads itself, directly or through others. Linear, and uses no stack however long the chain is. */
export function circularOf(fragments: Fragments): FragmentDefinitionNode | undefined {
  const above = new Set<string>(); // What is being looked into: each of these leads to where we are.
  const done = new Set<string>();
  const open = [...fragments.keys()];
  for (let name = open.at(-1); name !== undefined; name = open.at(-1)) {
    if (above.has(name) || done.has(name)) {
      open.pop();
      if (above.delete(name)) done.add(name);
      continue;
    }
    above.add(name);
    for (const next of spreadsIn(fragments.get(name))) {
      if (above.has(next)) return fragments.get(next);
      if (!done.has(next)) open.push(next);
    }
  }
  return undefined;
}

function spreadsIn(fragment: FragmentDefinitionNode | undefined): ReadonlySet<string> {
  const names = new Set<string>();
  const open: SelectionSetNode[] = fragment ? [fragment.selectionSet] : [];
  for (let set = open.pop(); set; set = open.pop()) {
    for (const selection of set.selections) {
      if (selection.kind === Kind.FRAGMENT_SPREAD) names.add(selection.name.value);
      else if (selection.selectionSet) open.push(selection.selectionSet);
    }
  }
  return names;
}
