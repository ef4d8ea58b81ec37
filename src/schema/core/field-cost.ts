import type { GraphQLField } from 'graphql';

/** Reads an argument as the client wrote it, with its default: nothing has checked it yet. */
export type ReadArgument = (name: string) => unknown;

/** What a field may cause for one parent; each number can depend on the arguments. */
interface FieldCostOptions {
  /** Upstream calls in the worst case, when nothing is kept. */
  readonly calls: number | ((read: ReadArgument) => number);
  /** How many items the list has that the field gives, or that what it gives has; one if left out. */
  readonly size?: (read: ReadArgument) => number;
  /** How many objects what it gives is as heavy as. */
  readonly weight?: (read: ReadArgument) => number;
}

export class FieldCost {
  readonly pricing: FieldCostOptions;

  constructor(pricing: FieldCostOptions) {
    this.pricing = pricing;
  }

  calls(read: ReadArgument): number {
    const { calls } = this.pricing;
    return typeof calls === 'number' ? calls : calls(read);
  }

  /** Undefined when the field has no say in it. */
  size(read: ReadArgument): number | undefined {
    return this.pricing.size?.(read);
  }

  weight(read: ReadArgument): number {
    return this.pricing.weight?.(read) ?? 0;
  }
}

/** The `extensions` of a field that reads from the upstream. */
export function cost(pricing: FieldCostOptions): { price: FieldCost } {
  return { price: new FieldCost(pricing) };
}

/** The price of a field; undefined for one that costs nothing. */
export function fieldCostOf({ extensions }: GraphQLField<unknown, unknown>): FieldCost | undefined {
  return extensions['price'] instanceof FieldCost ? extensions['price'] : undefined;
}

/**
 * Calls for one of many things that are read together: so many cost one call each, and a list more when there are more
 * than `mostSingles`. Its share in that list is part of the price of each.
 */
export function batchedCalls(mostSingles: number): number {
  return 1 + 1 / (mostSingles + 1);
}

/** Reads a count. What is no count in its bounds is refused later, by name: here it only must not be free. */
export function countOf(name: string, { least, most, standard }: { least: number; most: number; standard: number }) {
  return (read: ReadArgument): number => {
    const value = read(name);
    return typeof value === 'number' ? Math.min(most, Math.max(least, value)) : standard;
  };
}
