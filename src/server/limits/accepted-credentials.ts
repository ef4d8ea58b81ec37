import type { GraphQLError } from 'graphql';
import { LRUCache } from 'lru-cache';
import type { ErrorCode } from '../../schema/core/errors.ts';
import type { ReadContext } from '../../store/cache/single-flight.ts';

/** The result of a request for its credential: the upstream accepted it, rejected it, or neither is known. */
export type CredentialEvidence = 'accepted' | 'rejected' | 'none';

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

/**
 * Returns the evidence of a result; `none` without an upstream call. A request that its client aborted counts as rejected:
 * otherwise a client could try invented credentials and abort each request before it is counted.
 */
export function credentialEvidenceOf(
  { errors }: { readonly errors?: readonly Pick<GraphQLError, 'extensions'>[] | undefined },
  { upstreamCalls, signal, failures }: ReadContext,
): CredentialEvidence {
  if (upstreamCalls === 0) return 'none';
  const unauthenticated: ErrorCode = 'UPSTREAM_UNAUTHENTICATED';
  const codes = [...failures, ...(errors ?? []).map(({ extensions }) => extensions['code'])];
  if (signal.aborted || codes.includes(unauthenticated)) return 'rejected';
  return codes.length === 0 ? 'accepted' : 'none';
}
