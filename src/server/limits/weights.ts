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

/** The properties of a field that determine the cost of a query. */
export interface FieldWeight {
  readonly cost: FieldCost | undefined;
  readonly isList: boolean;
  /** The type of the objects that the field returns; null for a leaf. */
  readonly type: GraphQLNamedType | null;
}

const weightsByType = new WeakMap<GraphQLNamedType, ReadonlyMap<string, FieldWeight>>();

/** Returns the fields of a type that have a cost or return objects, by name. */
export function fieldWeightsOf(type: GraphQLNamedType): ReadonlyMap<string, FieldWeight> {
  const known = weightsByType.get(type);
  if (known) return known;
  const fields = isObjectType(type) || isInterfaceType(type) ? Object.values(type.getFields()) : [];
  const costedFields = fields.filter((field) => fieldCostOf(field) || isCompositeType(getNamedType(field.type)));
  const entries = costedFields.map((field) => [field.name, weightOf(field)] as const);
  const weights = new Map([...entries, ...INTROSPECTION]);
  weightsByType.set(type, weights);
  return weights;
}

function weightOf(field: GraphQLField<unknown, unknown>): FieldWeight {
  const type = getNamedType(field.type);
  return {
    cost: fieldCostOf(field),
    isList: isListType(getNullableType(field.type)),
    type: isCompositeType(type) ? type : null,
  };
}

/** Introspection returns about one object per type, field and argument of the schema. */
const INTROSPECTION_WEIGHT: FieldWeight = {
  cost: new FieldCost({ calls: 0, weight: () => 1000 }),
  isList: false,
  type: null,
};
const INTROSPECTION = [
  ['__schema', INTROSPECTION_WEIGHT],
  ['__type', INTROSPECTION_WEIGHT],
] as const;
