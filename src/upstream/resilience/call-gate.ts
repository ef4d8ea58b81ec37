import type { Clock } from '../../clock.ts';
import { type CallClaim, type CallClaims, isOfSubscription } from './call-claims.ts';
import { type CallPermits, createCallPermits } from './call-permits.ts';
import { createCallRateLimiter } from './call-rate-limiter.ts';
import type { Deadline } from './deadline.ts';
import { type CallTurns, callerTurn, type Turn, turnsOf } from './turn-queue.ts';

/** A call, by the callers that wait for it. */
export interface ClaimedCall {
  /** Undefined: the credential is the only claimant. */
  readonly claims?: CallClaims | undefined;
  /** Replaces the priorities of the claims. */
  readonly priority?: 'mutation' | undefined;
}

/** The credential of a call. */
interface CredentialState {
  readonly credentialName: string;
  readonly permits: CallPermits;
  /** Whether the upstream has accepted the credential. */
  readonly isVerified: boolean;
}

interface WaitLimits {
  readonly deadline: Deadline;
  readonly maxWaitMs: number;
}

/** Decides when each call may be made: by the rate limit, and by the calls in progress. */
export interface CallGate {
  /**
   * Resolves to a function that ends the call. Rejects with the reason of the deadline's signal, or with UPSTREAM_RATE_LIMITED
   * when the wait would be too long. A call that only subscriptions wait for has all the time it needs: its deadline starts
   * with the call, or when another caller joins.
   */
  enter(call: ClaimedCall, credential: CredentialState, limits: WaitLimits): Promise<() => void>;
}

/** Maximum calls in progress with credentials that the upstream has not accepted yet. Addresses take turns. */
const MAX_UNVERIFIED_CALLS = 16;
/** Maximum calls of one address that wait for one of them. */
const MAX_WAITING_UNVERIFIED_CALLS = 1000;

export function createCallGate(maxRps: number, clock: Clock): CallGate {
  const rateLimiter = createCallRateLimiter(maxRps, clock);
  const unverifiedPermits = createCallPermits(MAX_UNVERIFIED_CALLS, MAX_WAITING_UNVERIFIED_CALLS);

  return {
    async enter(call, { credentialName, permits, isVerified }, { deadline, maxWaitMs }) {
      const { signal } = deadline;
      const { claims, priority } = call;
      const mayWait = isPatient(call);
      const turnOf = (claim: CallClaim): Turn => {
        if (mayWait && !isOfSubscription(claim.priority)) deadline.restart(); // Another caller has joined.
        if (!isVerified) return { priority: 'unverified', owner: claim.caller.address };
        return priority ? { priority, owner: claim.caller.key } : callerTurn(claim);
      };
      const turns = claims
        ? turnsOf(claims, turnOf)
        : soleTurn({ priority: priority ?? 'query', owner: credentialName });
      if (mayWait) deadline.pause();
      await rateLimiter.acquire({ turns, signal, maxWaitMs: mayWait ? Number.POSITIVE_INFINITY : maxWaitMs });
      const release = await (isVerified ? permits : unverifiedPermits).acquire(turns, signal);
      if (mayWait) deadline.restart();
      return release;
    },
  };
}

const soleTurn = (turn: Turn): CallTurns => ({ current: [turn], listen() {} });

/** Whether only subscriptions wait for the call. */
export function isPatient({ claims, priority }: ClaimedCall): boolean {
  return (
    priority === undefined && claims !== undefined && claims.claims.every((claim) => isOfSubscription(claim.priority))
  );
}
