import { type GraphQLSchema, isObjectType } from 'graphql';

/**
 * `extensions` of a root field that depends on its caller beyond scope and role, such as on its name or quota. A response with
 * such a field is neither cached nor shared with other callers. Elsewhere the name of the caller cannot be read.
 */
export const PRIVATE_FIELD = { isPrivate: true };

/** Returns the names of the fields with `PRIVATE_FIELD`. */
export function privateFieldNames(schema: GraphQLSchema): ReadonlySet<string> {
  const objects = Object.values(schema.getTypeMap()).filter(isObjectType);
  const fields = objects.flatMap((type) => Object.values(type.getFields()));
  return new Set(fields.filter(({ extensions }) => extensions['isPrivate'] === true).map(({ name }) => name));
}
