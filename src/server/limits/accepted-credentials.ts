import type { GraphQLError } from 'graphql';
import { LRUCache } from 'lru-cache';
import type { ErrorCode } from '../../schema/core/errors.ts';
import type { ReadContext } from '../../store/cache/read-context.ts';

/**
 * The result of a request for its credential: the upstream accepted it, rejected it, or neither is known. `aborted`: the
 * client did not wait for the result.
 */
export type CredentialEvidence = 'accepted' | 'rejected' | 'aborted' | 'none';

/** The scopes of the credentials that the upstream has accepted. Clients can send any number of invented credentials. */
export interface AcceptedCredentials {
  has(scope: string): boolean;
  record(scope: string, evidence: CredentialEvidence): void;
}

/** Maximum number of scopes. The least recently used one is evicted, and its credential has to be accepted again. */
const MAX_CREDENTIALS = 10_000;

export function createAcceptedCredentials(): AcceptedCredentials {
  const scopes = new LRUCache<string, true>({ maxSize: MAX_CREDENTIALS, sizeCalculation: () => 1 });
  return {
    has: (scope) => scopes.get(scope) === true,
    record(scope, evidence) {
      if (evidence === 'accepted') scopes.set(scope, true);
      else if (evidence === 'rejected') scopes.delete(scope);
    },
  };
}

/** A result whose errors have codes. */
interface CodedResult {
  readonly errors?: readonly Pick<GraphQLError, 'extensions'>[] | undefined;
}

/** Returns the evidence of a result; `none` without an upstream call. */
export function credentialEvidenceOf(
  { errors }: CodedResult,
  { upstreamCalls, isAborted, failures }: ReadContext,
): CredentialEvidence {
  if (upstreamCalls === 0) return 'none';
  return isAborted ? 'aborted' : evidenceOfCodes([...failures, ...codesOf(errors)]);
}

/** Returns the evidence of the first result of a subscription; undefined when its client did not wait for it. */
export function subscriptionEvidenceOf(result: CodedResult | undefined): CredentialEvidence {
  return result === undefined ? 'aborted' : evidenceOfCodes(codesOf(result.errors));
}

function evidenceOfCodes(codes: readonly unknown[]): CredentialEvidence {
  const unauthenticated: ErrorCode = 'UPSTREAM_UNAUTHENTICATED';
  if (codes.includes(unauthenticated)) return 'rejected';
  return codes.length === 0 ? 'accepted' : 'none';
}

const codesOf = (errors: CodedResult['errors'] = []) => errors.map(({ extensions }) => extensions['code']);
