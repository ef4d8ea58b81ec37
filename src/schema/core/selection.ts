import type { GraphQLResolveInfo, SelectionSetNode } from 'graphql';

/**
 * Whether the selection of a field has a field with one of these names, at any depth. Fields that `@skip` or `@include`
 * leaves out count too.
 */
export function selectsAny(
  { fieldNodes, fragments }: Pick<GraphQLResolveInfo, 'fieldNodes' | 'fragments'>,
  names: readonly string[],
): boolean {
  const seen = new Set<string>();
  const isIn = (set: SelectionSetNode | undefined): boolean =>
    set?.selections.some((selection) => {
      if (selection.kind === 'InlineFragment') return isIn(selection.selectionSet);
      if (selection.kind === 'Field') return names.includes(selection.name.value) || isIn(selection.selectionSet);
      const { value: name } = selection.name;
      if (seen.has(name)) return false;
      seen.add(name);
      return isIn(fragments[name]?.selectionSet);
    }) ?? false;
  return fieldNodes.some(({ selectionSet }) => isIn(selectionSet));
}
