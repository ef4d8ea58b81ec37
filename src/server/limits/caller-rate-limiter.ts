import { GraphQLError } from 'graphql';
import type { Identity } from '../../request/context.ts';
import type { ErrorCode } from '../../schema/core/errors.ts';
import type { Points, PointsAccount, PointsAccounts, PointsBalance } from '../../state/points.ts';
import { limitReached } from '../../telemetry/events.ts';
import type { TraceContext } from '../../telemetry/trace-context.ts';
import type { Caller } from '../../upstream/resilience/call-claims.ts';
import type { Remote } from '../http/remote.ts';
import { addressKey } from '../http/remote.ts';
import type { GatewayResponse } from '../http/reply.ts';
import { type CredentialEvidence, createAcceptedCredentials } from './accepted-credentials.ts';
import { type CallerAccount, createCallerAccount, UNLIMITED_ACCOUNT } from './caller-account.ts';
import { LimitError } from './limit-error.ts';
import type { Limits } from './query-limits.ts';

/** The limits of one request, and the points that its caller has left. */
export interface CallerBudget {
  readonly limits: Limits;
  /** Key of the account that pays: the caller's, or the one of all unverified callers of its address. Also counts uploads. */
  readonly limitKey: string;
  /** Points that the caller has left in this minute; null without a rate limit. */
  readonly remaining: number | null;
  /**
   * Spends points and sets the rate limit headers of the response. Rejects with an HttpError (429) above the limit, and spends
   * none then. Returns undefined without a rate limit.
   */
  spend(points: number): Promise<void> | undefined;
  /** Returns the account that pays for the upstream calls of the caller's subscriptions. */
  openAccount(): CallerAccount;
  /** Records the evidence about the credential. `upstreamCalls` is the number of calls of the request. */
  recordEvidence(evidence: CredentialEvidence, upstreamCalls: number): Promise<void> | undefined;
}

/** Creates the budget of one request of a caller. `scope` is the one of its credential. */
export type CreateCallerBudget = (caller: Caller, scope: string, response?: GatewayResponse) => CallerBudget;

/** Returns the caller of a request. Its key is its id, or else its scope and client address. */
export function callerOf(
  { access: { scope }, callerId }: Identity,
  remote: Remote,
  trace?: TraceContext | null,
): Caller {
  const address = addressKey(remote.address);
  return { key: callerId === null ? `${scope} ${address}` : `name ${callerId}`, address, trace };
}

/** Number of rejected credentials that use up all points of an address's unverified callers. */
const MAX_REJECTED = 100;

/**
 * Counts the points of each caller in fixed windows of one minute, which start at its first request. Replicas count together.
 *
 * With `isPassthrough`, callers bring keys of the upstream, and a client can invent any number of them. Therefore all keys of
 * one address that the upstream has not accepted yet share one account, and each upstream call with a rejected key costs
 * 1/100 of its points. All keys of one address, accepted or not, share the points of `callersPerAddress` callers.
 */
export function createCallerRateLimiter(limits: Limits, isPassthrough: boolean, counter: Points): CreateCallerBudget {
  const { pointsPerMinute, callersPerAddress } = limits;
  if (pointsPerMinute === Number.POSITIVE_INFINITY) {
    return ({ key }) => new UnlimitedBudget(limits, key);
  }
  const max = pointsPerMinute;
  const hasAddressAccounts = isPassthrough && callersPerAddress !== Number.POSITIVE_INFINITY;
  const acceptedCredentials = createAcceptedCredentials();
  const unverifiedAccountOf = (address: string): PointsAccount => ({
    kind: 'caller',
    key: `unverified ${address}`,
    max,
  });
  const ownAccountOf = ({ key }: Caller): PointsAccount => ({ kind: 'caller', key, max });

  /** The accounts that pay for a caller: they change when the upstream accepts its credential. */
  function accountsOf(caller: Caller, scope: string): PointsAccounts {
    if (!hasAddressAccounts) return [ownAccountOf(caller)];
    const { address } = caller;
    const isVerified = acceptedCredentials.has(scope);
    return [
      isVerified ? ownAccountOf(caller) : unverifiedAccountOf(address),
      { kind: 'address', key: address, max: pointsPerMinute * callersPerAddress },
    ];
  }

  // Not within the function below: a subscription must not retain the response that opened it.
  const openAccount = (caller: Caller, scope: string) => createCallerAccount(counter, () => accountsOf(caller, scope));

  return (caller, scope, response) => {
    const accounts = accountsOf(caller, scope);
    const payment = createPayment(counter, accounts, limits, response);
    return Object.assign(payment, {
      openAccount: () => openAccount(caller, scope),
      async recordEvidence(evidence: CredentialEvidence, upstreamCalls: number) {
        if (!hasAddressAccounts) return;
        acceptedCredentials.record(scope, evidence);
        const unverifiedAccount = unverifiedAccountOf(caller.address);
        // Otherwise a client could try invented credentials and abort each request before it is counted.
        const isSuspect = evidence === 'aborted' && !acceptedCredentials.has(scope);
        if (evidence === 'rejected' || isSuspect) {
          const penalty = upstreamCalls * Math.ceil(pointsPerMinute / MAX_REJECTED);
          await counter.charge(unverifiedAccount, penalty);
        } else if (evidence === 'accepted' && accounts[0].key === unverifiedAccount.key) {
          await counter.transfer(unverifiedAccount, ownAccountOf(caller), payment.spent);
        }
      },
    });
  };
}

class UnlimitedBudget implements CallerBudget {
  readonly limits: Limits;
  readonly limitKey: string;
  readonly remaining = null;

  constructor(limits: Limits, limitKey: string) {
    this.limits = limits;
    this.limitKey = limitKey;
  }

  spend(): undefined {}
  recordEvidence(): undefined {}
  openAccount(): CallerAccount {
    return UNLIMITED_ACCOUNT;
  }
}

/** Creates the payment of one request, which spends points of all accounts. `spent` is the sum so far. */
function createPayment(
  counter: Points,
  accounts: PointsAccounts,
  limits: Limits,
  response: GatewayResponse | undefined,
) {
  let remaining = limits.pointsPerMinute;
  let spent = 0;
  return {
    limits,
    limitKey: accounts[0].key,
    get remaining() {
      return remaining;
    },
    get spent() {
      return spent;
    },
    async spend(points: number) {
      const { state, isRejected } = await counter.consume(accounts, points);
      remaining = state.remainingPoints;
      setRateLimitHeaders(response, limits.pointsPerMinute, state);
      if (isRejected) throw rateLimited(points, remaining, limits.pointsPerMinute, secondsOf(state.msBeforeNext));
      spent += points;
    },
  };
}

function setRateLimitHeaders(
  response: GatewayResponse | undefined,
  limit: number,
  { remainingPoints, msBeforeNext }: PointsBalance,
): void {
  if (!response) return;
  response.earlyHeaders['ratelimit-limit'] = String(limit);
  response.earlyHeaders['ratelimit-remaining'] = String(remainingPoints);
  response.earlyHeaders['ratelimit-reset'] = String(secondsOf(msBeforeNext));
}

const secondsOf = (ms: number) => Math.ceil(ms / 1000);

function rateLimited(points: number, remaining: number, limit: number, retryAfterSeconds: number): LimitError {
  if (limitReached.hasSubscribers) limitReached.publish({ limit: 'points' });
  const message = `Rate limit: the request costs ${points} points, but ${remaining} are left in this minute (RATE_LIMIT_PER_MINUTE ${limit}); retry after ${retryAfterSeconds} seconds.`;
  const extensions = { code: 'RATE_LIMITED' satisfies ErrorCode, retryAfterSeconds };
  return new LimitError(429, new GraphQLError(message, { extensions }), { 'retry-after': String(retryAfterSeconds) });
}
