import type { ExecutionResult } from 'graphql';
import { LRUCache } from 'lru-cache';
import type { ErrorCode } from '../../schema/core/errors.ts';
import type { ReadContext } from '../../store/cache/single-flight.ts';

/** The evidence that a request gave about its credential. */
export type CredentialEvidence = 'accepted' | 'rejected' | 'none';

/** The scopes of credentials that the upstream has accepted. Any client can invent other credentials. */
export interface AcceptedCredentials {
  has(scope: string): boolean;
  record(scope: string, evidence: CredentialEvidence): void;
}

/** Maximum number of remembered credentials; an evicted one has to be accepted again. */
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

/** A request that its client aborted counts as rejected: otherwise invented credentials could be tried unnoticed. */
export function credentialEvidenceOf(
  { errors }: ExecutionResult,
  { upstreamCalls, signal, failures }: ReadContext,
): CredentialEvidence {
  if (upstreamCalls === 0) return 'none';
  const unauthenticated: ErrorCode = 'UPSTREAM_UNAUTHENTICATED';
  const codes = [...failures, ...(errors ?? []).map(({ extensions }) => extensions['code'])];
  if (signal.aborted || codes.includes(unauthenticated)) return 'rejected';
  return codes.length === 0 ? 'accepted' : 'none';
}
