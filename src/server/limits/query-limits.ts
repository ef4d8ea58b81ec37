import { GraphQLError } from 'graphql';
import type { z } from 'zod';
import { int } from '../../config/env.ts';
import type { ErrorCode } from '../../schema/core/errors.ts';

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

/** The most there may be of each; Infinity where a limit is off. */
export interface Limits {
  readonly depth: number;
  readonly aliases: number;
  readonly tokens: number;
  readonly directives: number;
  readonly rootFields: number;
  readonly introspectionLists: number;
  readonly cost: number;
  readonly variablesBytes: number;
  readonly pointsPerMinute: number;
  /** How many callers' points one address has, where callers bring keys. */
  readonly callersPerAddress: number;
}

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

/** What can be too much: the `limit` in the error's extensions, and what is counted. */
const COUNTED = {
  depth: 'fields inside one another',
  aliases: 'aliases',
  tokens: 'tokens',
  lines: 'lines',
  directives: 'directives',
  directivesTogether: 'directives in one place',
  rootFields: 'fields at the root',
  introspection: 'lists of types or fields inside one another',
  introspectionDepth: 'fields inside one another in introspection',
  overlaps: 'fields of one name, or fragments, in one place',
  fields: 'fields, those of a fragment wherever it is spread',
  cost: 'points',
  variables: 'bytes of JSON',
  variablesDepth: 'objects and lists inside one another',
};

export type LimitName = keyof typeof COUNTED;

/** That there is more than may be. `actual` is left out where nobody has counted to the end. */
export interface Excess {
  readonly limit: LimitName;
  readonly max: number;
  readonly actual?: number | undefined;
}

/** What a client is told of it: nothing of its own words. */
export function tooComplex({ limit, max, actual }: Excess): GraphQLError {
  const got = actual === undefined ? '' : `, got ${actual}`;
  const extensions = { code: 'QUERY_TOO_COMPLEX' satisfies ErrorCode, limit, max, actual };
  return new GraphQLError(`${limit}: expected at most ${max} ${COUNTED[limit]}${got}.`, { extensions });
}
