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

/** Values for arguments, by name; a choice among them is made for each field anew. */
export type Values = Readonly<Record<string, readonly string[]>>;

/**
 * A query that fits the schema, wherever the choices lead; the same ones lead to the same query. Arguments that have no
 * values here are left out.
 */
export function randomQuery(schema: GraphQLSchema, values: Values, choices: readonly number[], depth: number): string {
  let made = 0;
  let names = 0;
  const among = <T>(things: readonly T[]) => things[(choices[made++ % choices.length] ?? 0) % things.length];

  function selectionOf(type: GraphQLNamedType, left: number): string {
    if (isAbstractType(type)) {
      const members = schema.getPossibleTypes(type).filter(() => among([true, false]));
      return `{ __typename ${members.map((member) => `... on ${member} ${selectionOf(member, left)}`).join(' ')} }`;
    }
    if (!isObjectType(type)) return '';
    const fields = Object.values(type.getFields()).filter((field) => left > 0 || !isHeavy(field));
    const chosen = Array.from({ length: 1 + (among([0, 1, 2]) ?? 0) }, () => among(fields));
    return `{ __typename ${chosen.map((field) => (field ? fieldOf(field, left) : '')).join(' ')} }`;
  }

  function fieldOf(field: GraphQLField<unknown, unknown>, left: number): string {
    const given = field.args.flatMap(({ name }) => {
      const value = among(values[name] ?? ['']);
      return value ? [`${name}: ${value}`] : [];
    });
    const list = given.length > 0 ? `(${given.join(', ')})` : '';
    return `f${names++}: ${field.name}${list} ${selectionOf(getNamedType(field.type), left - 1)}`;
  }

  const root = schema.getQueryType();
  return root ? selectionOf(root, depth) : '';
}

const isHeavy = ({ type }: GraphQLField<unknown, unknown>) => isCompositeType(getNamedType(type));

/** Every field of the schema's own types. */
export function fieldsOf(schema: GraphQLSchema): { type: GraphQLObjectType; field: GraphQLField<unknown, unknown> }[] {
  const types = Object.values(schema.getTypeMap()).filter((type) => !type.name.startsWith('__'));
  return types
    .filter(isObjectType)
    .flatMap((type) => Object.values(type.getFields()).map((field) => ({ type, field })));
}
