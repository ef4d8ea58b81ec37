import { GraphQLError } from 'graphql';
import type { ErrorCode } from '../../schema/core/errors.ts';

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
export interface LimitViolation {
  readonly limit: LimitName;
  readonly max: number;
  readonly actual?: number | undefined;
}

/** What a client is told of it: nothing of its own words. */
export function limitViolationError({ limit, max, actual }: LimitViolation): GraphQLError {
  const got = actual === undefined ? '' : `, got ${actual}`;
  const extensions = { code: 'QUERY_TOO_COMPLEX' satisfies ErrorCode, limit, max, actual };
  return new GraphQLError(`${limit}: expected at most ${max} ${COUNTED[limit]}${got}.`, { extensions });
}
