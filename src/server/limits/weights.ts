import {
  type GraphQLField,
  type GraphQLNamedType,
  getNamedType,
  getNullableType,
  isCompositeType,
  isInterfaceType,
  isListType,
  isObjectType,
} from 'graphql';
import { Price, priceOf } from '../../schema/core/field-cost.ts';

/** What counts of a field when a query is priced. */
export interface Weight {
  readonly price: Price | undefined;
  readonly isList: boolean;
  /** What it gives; null when nothing in it counts. */
  readonly type: GraphQLNamedType | null;
}

const weights = new WeakMap<GraphQLNamedType, ReadonlyMap<string, Weight>>();

/** The fields of a type that count, by their names: those with a price, and those that give objects. */
export function weightsOf(type: GraphQLNamedType): ReadonlyMap<string, Weight> {
  const known = weights.get(type);
  if (known) return known;
  const fields = isObjectType(type) || isInterfaceType(type) ? Object.values(type.getFields()) : [];
  const heavy = fields.filter((field) => priceOf(field) || isCompositeType(getNamedType(field.type)));
  const made = new Map([...heavy.map((field) => [field.name, weightOf(field)] as const), ...INTROSPECTION]);
  weights.set(type, made);
  return made;
}

function weightOf(field: GraphQLField<unknown, unknown>): Weight {
  const type = getNamedType(field.type);
  return {
    price: priceOf(field),
    isList: isListType(getNullableType(field.type)),
    type: isCompositeType(type) ? type : null,
  };
}

/** Answers with about as many objects as the schema has types, fields and arguments. */
const OF_INTROSPECTION: Weight = {
  price: new Price({ calls: 0, weight: () => 1000 }),
  isList: false,
  type: null,
};
const INTROSPECTION = [
  ['__schema', OF_INTROSPECTION],
  ['__type', OF_INTROSPECTION],
] as const;
