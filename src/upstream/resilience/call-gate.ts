import { type Clock, sleep } from '../../clock.ts';
import type { UpstreamBudget } from '../../state/upstream-budget.ts';
import { UpstreamError } from '../errors/upstream-error.ts';
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
  /** Records a failed call: after a 429 with Retry-After, calls with this credential wait, or are refused. */
  recordFailure(error: unknown, credentialName: string, isMutation: boolean): void;
}

/** Maximum calls in progress with credentials that the upstream has not accepted yet. Addresses take turns. */
const MAX_UNVERIFIED_CALLS = 16;
/** Maximum calls of one address that wait for one of them. */
const MAX_WAITING_UNVERIFIED_CALLS = 1000;

export function createCallGate(maxRps: number, clock: Clock, { open, blocks }: UpstreamBudget): CallGate {
  const rateLimiter = createCallRateLimiter(maxRps, clock, open);
  const unverifiedPermits = createCallPermits(MAX_UNVERIFIED_CALLS, MAX_WAITING_UNVERIFIED_CALLS);
  const permitsOf = ({ credential }: Entry) => (credential.isVerified ? credential.permits : unverifiedPermits);

  const blockedMs = ({ credential, isMutation }: Entry) => blocks.blockedMs(credential.name, isMutation);

  /** Waits while the upstream refuses calls with the credential. Throws when that takes longer than the deadline. */
  async function waitForBlock(entry: Entry, turns: CallTurns): Promise<void> {
    const { deadline } = entry;
    for (let ms = blockedMs(entry); ms > 0; ms = blockedMs(entry)) {
      deadline.throwIfAborted();
      if (ms >= deadline.leftMs) throw blocked(ms); // Infinity while it is paused.
      turns.listen(() => {}); // The deadline starts when a caller joins who does not wait as long.
      await sleep(ms, clock, deadline.signal).finally(() => turns.listen(null));
    }
  }

  /** Waits for a turn of any claim. `isAdmitted`: the rate limiter has admitted the call. */
  async function wait(entry: Entry, isAdmitted: boolean): Promise<() => void> {
    const { claims, deadline } = entry;
    const mayWait = isPatient(entry);
    const turnOf = (claim: CallClaim) => {
      if (mayWait && !isOfSubscription(claim.priority)) deadline.restart(); // Another caller has joined.
      return turnOfClaim(claim, entry);
    };
    const turns = claims ? turnsOf(claims, turnOf) : soleTurn(turnOfCredential(entry));
    if (mayWait) deadline.pause();
    const { signal } = deadline;
    for (let mustWait = !isAdmitted; mustWait; mustWait = blockedMs(entry) > 0) {
      await waitForBlock(entry, turns);
      const maxWaitMs = mayWait ? Number.POSITIVE_INFINITY : deadline.leftMs;
      await rateLimiter.acquire({ turns, signal, maxWaitMs }); // The block of another replica can arrive meanwhile.
    }
    const release = await permitsOf(entry).acquire(turns, signal);
    if (mayWait) deadline.restart();
    return release;
  }

  return {
    enter(entry) {
      const { claims } = entry;
      const sole = claims?.sole;
      if ((claims !== undefined && sole === undefined) || blockedMs(entry) > 0) return wait(entry, false);
      const turn = sole === undefined ? turnOfCredential(entry) : turnOfClaim(sole, entry);
      const isAdmitted = rateLimiter.tryAcquire(turn);
      const release = isAdmitted ? permitsOf(entry).tryAcquire(turn) : null;
      if (release === null) return wait(entry, isAdmitted);
      if (isPatient(entry)) entry.deadline.restart();
      return release;
    },
    recordFailure(error, credentialName, isMutation) {
      if (!(error instanceof UpstreamError) || error.code !== 'UPSTREAM_RATE_LIMITED') return;
      const { facts, retry } = error;
      if (facts.upstreamStatus !== 429 || retry.afterMs === undefined) return;
      // The limit of a change can be one of its own: reads find out by themselves.
      blocks.block(credentialName, isMutation ? 'changes' : 'all', Math.min(retry.afterMs, MAX_BLOCK_MS));
    },
  };
}

/** Maximum milliseconds of a block. Rates are per minute or shorter. */
const MAX_BLOCK_MS = 60_000;

const blocked = (ms: number) =>
  new UpstreamError('UPSTREAM_RATE_LIMITED', 'not sent: the upstream has refused calls until later', {
    retryAfterSeconds: Math.ceil(ms / 1000),
  });

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
