import {
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isCompositeType,
  isObjectType,
} from 'graphql';

/** Possible values of arguments by name; each field chooses one. */
export type Values = Readonly<Record<string, readonly string[]>>;

/**
 * A valid query for any choices; equal choices make equal queries. Arguments without values are omitted.
 */
export function randomQuery(schema: GraphQLSchema, values: Values, choices: readonly number[], depth: number): string {
  let choiceCount = 0;
  let fieldCount = 0;
  const choose = <T>(items: readonly T[]) => items[(choices[choiceCount++ % choices.length] ?? 0) % items.length];

  function selectionOf(type: GraphQLNamedType, depthLeft: number): string {
    if (isAbstractType(type)) {
      const members = schema.getPossibleTypes(type).filter(() => choose([true, false]));
      return `{ __typename ${members.map((member) => `... on ${member} ${selectionOf(member, depthLeft)}`).join(' ')} }`;
    }
    if (!isObjectType(type)) return '';
    const fields = Object.values(type.getFields()).filter((field) => depthLeft > 0 || !returnsObjects(field));
    const chosen = Array.from({ length: 1 + (choose([0, 1, 2]) ?? 0) }, () => choose(fields));
    return `{ __typename ${chosen.map((field) => (field ? fieldOf(field, depthLeft) : '')).join(' ')} }`;
  }

  function fieldOf(field: GraphQLField<unknown, unknown>, depthLeft: number): string {
    const args = field.args.flatMap(({ name }) => {
      const value = choose(values[name] ?? ['']);
      return value ? [`${name}: ${value}`] : [];
    });
    const list = args.length > 0 ? `(${args.join(', ')})` : '';
    return `f${fieldCount++}: ${field.name}${list} ${selectionOf(getNamedType(field.type), depthLeft - 1)}`;
  }

  const root = schema.getQueryType();
  return root ? selectionOf(root, depth) : '';
}

const returnsObjects = ({ type }: GraphQLField<unknown, unknown>) => isCompositeType(getNamedType(type));

/** Every field of the schema's own types. */
export function fieldsOf(schema: GraphQLSchema): { type: GraphQLObjectType; field: GraphQLField<unknown, unknown> }[] {
  const types = Object.values(schema.getTypeMap()).filter((type) => !type.name.startsWith('__'));
  return types
    .filter(isObjectType)
    .flatMap((type) => Object.values(type.getFields()).map((field) => ({ type, field })));
}
