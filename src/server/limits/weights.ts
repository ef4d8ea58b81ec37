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
import { FieldCost, fieldCostOf } from '../../schema/core/field-cost.ts';

/** What counts of a field when a query is priced. */
export interface FieldWeight {
  readonly cost: FieldCost | undefined;
  readonly isList: boolean;
  /** What it gives; null when nothing in it counts. */
  readonly type: GraphQLNamedType | null;
}

const weights = new WeakMap<GraphQLNamedType, ReadonlyMap<string, FieldWeight>>();

/** The fields of a type that count, by their names: those with a price, and those that give objects. */
export function fieldWeightsOf(type: GraphQLNamedType): ReadonlyMap<string, FieldWeight> {
  const known = weights.get(type);
  if (known) return known;
  const fields = isObjectType(type) || isInterfaceType(type) ? Object.values(type.getFields()) : [];
  const heavy = fields.filter((field) => fieldCostOf(field) || isCompositeType(getNamedType(field.type)));
  const made = new Map([...heavy.map((field) => [field.name, weightOf(field)] as const), ...INTROSPECTION]);
  weights.set(type, made);
  return made;
}

function weightOf(field: GraphQLField<unknown, unknown>): FieldWeight {
  const type = getNamedType(field.type);
  return {
    cost: fieldCostOf(field),
    isList: isListType(getNullableType(field.type)),
    type: isCompositeType(type) ? type : null,
  };
}

/** Answers with about as many objects as the schema has types, fields and arguments. */
const OF_INTROSPECTION: FieldWeight = {
  cost: new FieldCost({ calls: 0, weight: () => 1000 }),
  isList: false,
  type: null,
};
const INTROSPECTION = [
  ['__schema', OF_INTROSPECTION],
  ['__type', OF_INTROSPECTION],
] as const;
