import {
  defaultFieldResolver,
  GraphQLError,
  type GraphQLField,
  type GraphQLFieldResolver,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  isLeafType,
  isListType,
  isObjectType,
  TypeNameMetaFieldDef,
} from 'graphql';
import type { Context } from '../../request/context.ts';
import type { ResponseMeter } from '../../request/response-meter.ts';
import { minJsonBytes } from '../../upstream/json/size.ts';
import { fieldCostOf } from './field-cost.ts';

/** Bytes around a member of an object: two quotes, a colon and a comma. */
export const MEMBER_BYTES = 4;
/** Bytes of an item of a list of objects, without the members: two braces and a comma. */
const OBJECT_BYTES = 3;

// One error for all fields, with a path: locating it at each field would take longer than the field itself.
export const TOO_LARGE = new GraphQLError('The response is too large.', { path: [] });

type Field = GraphQLField<unknown, unknown>;
type Resolver = GraphQLFieldResolver<unknown, unknown>;

/** The resolvers without metering. The types of introspection belong to graphql-js: all schemas of a process share their fields. */
const resolvers = new WeakMap<Field, Resolver>();

/**
 * Counts the bytes of each value in the response while the fields are resolved. Once the response is too large, all fields
 * throw, and those that are not leaves do so before they read anything.
 */
export function meterFields(schema: GraphQLSchema): void {
  const roots = new Set([schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()]);
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type)) continue;
    for (const field of Object.values(type.getFields())) meterField(field, roots.has(type));
  }
  meterField(TypeNameMetaFieldDef, false);
}

function meterField(field: Field, isRoot: boolean): void {
  const isLeaf = isLeafType(getNamedType(field.type));
  const isList = isListType(getNullableType(field.type));
  if (resolvers.has(field) || !(isLeaf || isList || isRoot || fieldCostOf(field))) return;
  const { resolve = defaultFieldResolver } = field;
  resolvers.set(field, resolve);
  field.resolve = (source, args, context, info) => {
    const meter = (context as Context | undefined)?.response; // The schema is also printed without a context.
    if (!meter) return resolve(source, args, context, info);
    if (!isLeaf && meter.bytes > meter.maxBytes) throw TOO_LARGE;
    const value = resolve(source, args, context, info);
    const memberBytes = MEMBER_BYTES + (info.path.key as string).length; // The key of a field is its name or alias.
    if (value instanceof Promise) return value.then((resolved) => countValue(meter, memberBytes, resolved, isLeaf));
    return countValue(meter, memberBytes, value, isLeaf);
  };
}

/** Returns the resolver without metering, for an executor that counts the bytes itself, and whether the field is metered. */
export function meteringOf(field: Field): { readonly resolve: Resolver; readonly isMetered: boolean } {
  const resolve = resolvers.get(field);
  return { resolve: resolve ?? field.resolve ?? defaultFieldResolver, isMetered: resolve !== undefined };
}

/** Adds a value to the response and returns it. Throws TOO_LARGE when the response exceeds its maximum. */
export function countValue(meter: ResponseMeter, memberBytes: number, value: unknown, isLeaf: boolean): unknown {
  meter.bytes += memberBytes;
  if (typeof value === 'string') meter.bytes += value.length + 2;
  else if (typeof value !== 'object' || value === null) meter.bytes++;
  else if (isLeaf) meter.bytes += minJsonBytes(value, meter.maxBytes);
  else if (Array.isArray(value)) meter.bytes += OBJECT_BYTES * value.length;
  if (meter.bytes > meter.maxBytes) throw TOO_LARGE;
  return value;
}
