import type { Clock } from '../../clock.ts';
import { type CallClaim, type CallClaims, isOfSubscription } from './call-claims.ts';
import { type CallPermits, createCallPermits } from './call-permits.ts';
import { createCallRateLimiter } from './call-rate-limiter.ts';
import type { CallDeadline } from './deadline.ts';
import { type CallTurns, callerTurn, type Turn, turnsOf } from './turn-queue.ts';

/** A call that enters the gate. */
interface Entry {
  /** The callers that wait for the call. Undefined: the credential is the only claimant. */
  readonly claims: CallClaims | undefined;
  /** Whether the call changes something. It then has the priority of mutations. */
  readonly isMutation: boolean;
  readonly credential: CredentialState;
  readonly deadline: CallDeadline;
}

/** The credential of a call. */
interface CredentialState {
  readonly name: string;
  readonly permits: CallPermits;
  /** Whether the upstream has accepted the credential. */
  readonly isVerified: boolean;
}

/** Decides when each call may be made: by the rate limit, and by the calls in progress. */
export interface CallGate {
  /**
   * Returns a function that ends the call, or a promise of it when the call has to wait. Rejects with the reason of the
   * deadline, or with UPSTREAM_RATE_LIMITED when the wait would be too long. A call that only subscriptions wait for has all
   * the time it needs: its deadline starts with the call, or when another caller joins.
   */
  enter(entry: Entry): Promise<() => void> | (() => void);
}

/** Maximum calls in progress with credentials that the upstream has not accepted yet. Addresses take turns. */
const MAX_UNVERIFIED_CALLS = 16;
/** Maximum calls of one address that wait for one of them. */
const MAX_WAITING_UNVERIFIED_CALLS = 1000;

export function createCallGate(maxRps: number, clock: Clock): CallGate {
  const rateLimiter = createCallRateLimiter(maxRps, clock);
  const unverifiedPermits = createCallPermits(MAX_UNVERIFIED_CALLS, MAX_WAITING_UNVERIFIED_CALLS);
  const permitsOf = ({ credential }: Entry) => (credential.isVerified ? credential.permits : unverifiedPermits);

  /** Waits for a turn of any claim. `isAdmitted`: the rate limiter has admitted the call. */
  async function wait(entry: Entry, isAdmitted: boolean): Promise<() => void> {
    const { claims, deadline } = entry;
    const mayWait = isPatient(entry);
    const maxWaitMs = mayWait ? Number.POSITIVE_INFINITY : deadline.leftMs;
    const turnOf = (claim: CallClaim) => {
      if (mayWait && !isOfSubscription(claim.priority)) deadline.restart(); // Another caller has joined.
      return turnOfClaim(claim, entry);
    };
    const turns = claims ? turnsOf(claims, turnOf) : soleTurn(turnOfCredential(entry));
    if (mayWait) deadline.pause();
    const { signal } = deadline;
    if (!isAdmitted) await rateLimiter.acquire({ turns, signal, maxWaitMs });
    const release = await permitsOf(entry).acquire(turns, signal);
    if (mayWait) deadline.restart();
    return release;
  }

  return {
    enter(entry) {
      const { claims } = entry;
      const sole = claims?.sole;
      if (claims !== undefined && sole === undefined) return wait(entry, false);
      const turn = sole === undefined ? turnOfCredential(entry) : turnOfClaim(sole, entry);
      const isAdmitted = rateLimiter.tryAcquire(turn);
      const release = isAdmitted ? permitsOf(entry).tryAcquire(turn) : null;
      if (release === null) return wait(entry, isAdmitted);
      if (isPatient(entry)) entry.deadline.restart();
      return release;
    },
  };
}

const soleTurn = (turn: Turn): CallTurns => ({ current: [turn], listen() {} });

const turnOfCredential = ({ isMutation, credential }: Entry): Turn => ({
  priority: isMutation ? 'mutation' : 'query',
  owner: credential.name,
});

function turnOfClaim(claim: CallClaim, { isMutation, credential }: Entry): Turn {
  if (!credential.isVerified) return { priority: 'unverified', owner: claim.caller.address };
  return isMutation ? { priority: 'mutation', owner: claim.caller.key } : callerTurn(claim);
}

/** Whether only subscriptions wait for the call. */
function isPatient({ claims, isMutation }: Entry): boolean {
  if (isMutation || claims === undefined) return false;
  for (const claim of claims.claims) if (!isOfSubscription(claim.priority)) return false;
  return true;
}
