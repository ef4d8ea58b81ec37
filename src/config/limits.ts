import type { z } from 'zod';
import type { Limits } from '../server/limits/query-limits.ts';
import { int } from './env.ts';

// How much one request, and one caller in a minute, may ask for: the part of the configuration that says so.

/** The variables that decide it; 0 turns a limit off. */
export const limitSettings = {
  MAX_QUERY_DEPTH: int(0, 1000).default(15).describe('most fields inside one another in a query; 0: any'),
  MAX_QUERY_ALIASES: int(0, 10_000).default(30).describe('most aliases in a query; 0: any'),
  MAX_QUERY_TOKENS: int(0, 1_000_000).default(5000).describe('most tokens of a document; 0: any'),
  MAX_QUERY_DIRECTIVES: int(0, 10_000).default(50).describe('most directives in a query; 0: any'),
  MAX_QUERY_ROOT_FIELDS: int(0, 10_000).default(20).describe('most fields of Query in a query; 0: any'),
  MAX_INTROSPECTION_DEPTH: int(0, 3)
    .default(2)
    .describe('most lists of types or fields inside one another in a query for the schema; 0: any'),
  MAX_QUERY_COST: int(0, 1_000_000_000)
    .default(5000)
    .describe('most points of a query: one for each upstream call that it may cause, and for 100 objects; 0: any'),
  MAX_VARIABLES_BYTES: int(0, 1_048_576).default(100_000).describe('most bytes of the variables as JSON; 0: any'),
  RATE_LIMIT_PER_MINUTE: int(0, 1_000_000_000)
    .default(20_000)
    .describe('most points that one caller may spend in a minute; 0: any'),
  CALLERS_PER_ADDRESS: int(0, 1_000_000)
    .default(10)
    .describe(
      "for passthrough: how many callers' points all keys of one address have together; 0: any, for behind a proxy",
    ),
};

type Settings = z.output<z.ZodObject<typeof limitSettings>>;

export function limitsOf(values: Settings): Limits {
  const most = (value: number) => (value === 0 ? Number.POSITIVE_INFINITY : value);
  const pointsPerMinute = most(values.RATE_LIMIT_PER_MINUTE);
  return {
    depth: most(values.MAX_QUERY_DEPTH),
    aliases: most(values.MAX_QUERY_ALIASES),
    tokens: most(values.MAX_QUERY_TOKENS),
    directives: most(values.MAX_QUERY_DIRECTIVES),
    rootFields: most(values.MAX_QUERY_ROOT_FIELDS),
    introspectionLists: most(values.MAX_INTROSPECTION_DEPTH),
    cost: Math.min(most(values.MAX_QUERY_COST), pointsPerMinute), // More could never be paid, however long one waits.
    variablesBytes: most(values.MAX_VARIABLES_BYTES),
    pointsPerMinute,
    callersPerAddress: most(values.CALLERS_PER_ADDRESS),
  };
}
