import type { ExecutionResult } from 'graphql';
import { LRUCache } from 'lru-cache';
import type { ErrorCode } from '../../schema/core/errors.ts';
import type { ReadContext } from '../../store/cache/single-flight.ts';

/** What a request shows of the credential that it came with. */
export type CredentialEvidence = 'accepted' | 'refused' | 'nothing';

/** The scopes of credentials that the upstream has accepted. Anybody can make up others. */
export interface AcceptedCredentials {
  has(scope: string): boolean;
  note(scope: string, showing: CredentialEvidence): void;
}

/** Most that are remembered; who is forgotten has to be accepted once more. */
const MAX_CREDENTIALS = 10_000;

export function createAcceptedCredentials(): AcceptedCredentials {
  const scopes = new LRUCache<string, true>({ maxSize: MAX_CREDENTIALS, sizeCalculation: () => 1 });
  return {
    has: (scope) => scopes.get(scope) === true,
    note(scope, showing) {
      if (showing === 'accepted') scopes.set(scope, true);
      else if (showing === 'refused') scopes.delete(scope);
    },
  };
}

/** Who leaves before the answer counts as refused: made-up credentials could be tried unseen otherwise. */
export function credentialEvidenceOf(
  { errors }: ExecutionResult,
  { upstreamCalls, signal, failures }: ReadContext,
): CredentialEvidence {
  if (upstreamCalls === 0) return 'nothing';
  const unauthenticated: ErrorCode = 'UPSTREAM_UNAUTHENTICATED';
  const codes = [...failures, ...(errors ?? []).map(({ extensions }) => extensions['code'])];
  if (signal.aborted || codes.includes(unauthenticated)) return 'refused';
  return codes.length === 0 ? 'accepted' : 'nothing';
}
