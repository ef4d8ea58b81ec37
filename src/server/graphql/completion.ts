import {
  defaultTypeResolver,
  type GraphQLAbstractType,
  GraphQLError,
  type GraphQLObjectType,
  type GraphQLResolveInfo,
  isObjectType,
} from 'graphql';
import type { Context } from '../../request/context.ts';
import type { FieldPlan, OutputPlan } from './plan.ts';

/** Returns a leaf in its form for the response. Throws when it is not of its type. */
export function completeLeaf(output: OutputPlan & { kind: 'leaf' }, value: unknown, field: FieldPlan): unknown {
  if (value instanceof Error) throw value;
  if (value === null || value === undefined) return completeNull(output, field);
  return output.type.coerceOutputValue(value);
}

/** Returns null. Throws when the value is not nullable. */
export function completeNull({ isNonNull }: OutputPlan, { parentType, definition }: FieldPlan): null {
  if (isNonNull) throw new Error(`Cannot return null for non-nullable field ${parentType}.${definition.name}.`);
  return null;
}

export function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

/** Handles the rejections in a list that is not completed: an unhandled one would end the process. */
export function ignoreRejections(output: OutputPlan, value: unknown): void {
  if (isPromise(value)) value.then(undefined, () => {});
  else if (output.kind === 'list' && Array.isArray(value)) {
    for (const item of value) ignoreRejections(output.item, item);
  }
}

/** Returns the object type of a value. Throws when it has none. */
export function runtimeTypeOf(
  type: GraphQLAbstractType,
  value: unknown,
  context: Context,
  info: GraphQLResolveInfo,
): GraphQLObjectType {
  const name = (type.resolveType ?? defaultTypeResolver)(value, context, info, type);
  const runtimeType = typeof name === 'string' ? info.schema.getType(name) : undefined;
  if (isObjectType(runtimeType) && info.schema.isSubType(type, runtimeType)) return runtimeType;
  throw new Error(
    `${info.parentType}.${info.fieldName}: the value is of no object type of "${type}"; expected another resolveType.`,
  );
}

/** Returns the items of a list. Throws when the value is not one. */
export function itemsOf(value: unknown, { parentType, definition }: FieldPlan): readonly unknown[] {
  if (Array.isArray(value)) return value;
  if (typeof value === 'object' && value !== null && Symbol.iterator in value) return [...(value as Iterable<unknown>)]; // It has an iterator.
  throw new GraphQLError(`Expected Iterable, but did not find one for field "${parentType}.${definition.name}".`);
}
