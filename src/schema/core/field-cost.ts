import type { GraphQLField } from 'graphql';

/** Reads an argument as the client wrote it, with its default. The value is not validated. */
export type ReadArgument = (name: string) => unknown;

/** The cost of a field for one parent object. Each number can depend on the arguments. */
export interface FieldCostOptions {
  /** Upstream calls in the worst case, with an empty cache. */
  readonly calls: number | ((read: ReadArgument) => number);
  /** Length of the list that the field returns, or that the returned object has. By default 1. */
  readonly size?: (read: ReadArgument) => number;
  /** Size of the returned value as a number of objects, beyond the object itself. By default 0. */
  readonly weight?: (read: ReadArgument) => number;
}

export class FieldCost {
  readonly options: FieldCostOptions;

  constructor(options: FieldCostOptions) {
    this.options = options;
  }

  calls(read: ReadArgument): number {
    const { calls } = this.options;
    return typeof calls === 'number' ? calls : calls(read);
  }

  /** Undefined when the field does not set the length of a list. */
  size(read: ReadArgument): number | undefined {
    return this.options.size?.(read);
  }

  weight(read: ReadArgument): number {
    return this.options.weight?.(read) ?? 0;
  }
}

/** Returns the `extensions` of a field that calls the upstream. */
export function cost(options: FieldCostOptions): { cost: FieldCost } {
  return { cost: new FieldCost(options) };
}

/** Returns the cost of a field, or undefined when it is free. */
export function fieldCostOf({ extensions }: GraphQLField<unknown, unknown>): FieldCost | undefined {
  return extensions['cost'] instanceof FieldCost ? extensions['cost'] : undefined;
}

/**
 * Returns the calls per object when several objects are read together. Up to `maxSingles` objects cost one call each;
 * more objects cost one list call too, which each object pays a share of.
 */
export function batchedCalls(maxSingles: number): number {
  return 1 + 1 / (maxSingles + 1);
}

/** A count argument: its limits, and its default. */
interface CountLimits {
  readonly min: number;
  readonly max: number;
  readonly fallback: number;
}

/** Returns a reader of a count argument, clamped to its limits. Resolvers reject invalid counts; here they must not be free. */
export function countOf(name: string, { min, max, fallback }: CountLimits) {
  return (read: ReadArgument): number => {
    const value = read(name);
    return typeof value === 'number' ? Math.min(max, Math.max(min, value)) : fallback;
  };
}
