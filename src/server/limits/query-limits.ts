import { GraphQLError } from 'graphql';
import type { ErrorCode } from '../../schema/core/errors.ts';

/** Maximum of each; Infinity where a limit is off. */
export interface Limits {
  readonly depth: number;
  readonly aliases: number;
  readonly tokens: number;
  readonly directives: number;
  readonly rootFields: number;
  readonly introspectionLists: number;
  readonly cost: number;
  readonly variablesBytes: number;
  /** Of the response as JSON. */
  readonly responseBytes: number;
  readonly pointsPerMinute: number;
  /** Points of one client address, as a multiple of one caller's, where callers bring keys. */
  readonly callersPerAddress: number;
}

/** Each limit by its name in the error's extensions: its unit, and its setting if it has one. */
const LIMITS = {
  depth: ['nested fields', 'MAX_QUERY_DEPTH'],
  aliases: ['aliases', 'MAX_QUERY_ALIASES'],
  tokens: ['tokens', 'MAX_QUERY_TOKENS'],
  lines: ['lines', 'MAX_QUERY_TOKENS'],
  directives: ['directives', 'MAX_QUERY_DIRECTIVES'],
  directivesTogether: ['directives at one location'],
  rootFields: ['root fields', 'MAX_QUERY_ROOT_FIELDS'],
  introspection: ['nested lists of types or fields', 'MAX_INTROSPECTION_DEPTH'],
  introspectionDepth: ['nested fields of introspection'],
  overlaps: ['fields of one name, or fragments, in one object'],
  comparisons: ['pairs of fields of one name, or of fragments, in one object'],
  duplicates: ['arguments or variables of one name'],
  fields: ['fields, counted wherever a fragment is spread'],
  cost: ['points', 'the lower of MAX_QUERY_COST and RATE_LIMIT_PER_MINUTE'],
  variables: ['bytes of JSON', 'MAX_VARIABLES_BYTES'],
  variablesDepth: ['nested objects and lists'],
  responseBytes: ['bytes of JSON', 'MAX_RESPONSE_BYTES'],
} as const satisfies Record<string, readonly [unit: string, setting?: string]>;

export type LimitName = keyof typeof LIMITS;

/** A limit that a request exceeds. `actual` is missing when counting stopped early. */
export interface LimitViolation {
  readonly limit: LimitName;
  readonly max: number;
  readonly actual?: number | undefined;
}

/**
 * Returns the error for a client, such as `depth: 16 exceeds the limit of 15 nested fields (MAX_QUERY_DEPTH).` A limit
 * without a setting is `(fixed)`.
 */
export function limitViolationError({ limit, max, actual }: LimitViolation): GraphQLError {
  const [unit, setting] = LIMITS[limit];
  const subject = actual === undefined ? '' : `${actual} `;
  const message = `${limit}: ${subject}exceeds the limit of ${max} ${unit} (${setting ?? 'fixed'}).`;
  const extensions = { code: 'QUERY_TOO_COMPLEX' satisfies ErrorCode, limit, max, actual };
  return new GraphQLError(message, { extensions });
}
