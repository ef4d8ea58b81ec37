import type { IncomingMessage } from 'node:http';
import { GraphQLError } from 'graphql';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import type { ErrorCode } from '../../schema/core/errors.ts';
import { addressKey } from '../http/client-address.ts';
import type { GatewayResponse } from '../http/reply.ts';
import { type CredentialEvidence, createAcceptedCredentials } from './accepted-credentials.ts';
import { LimitError } from './limit-error.ts';
import type { Limits } from './query-limits.ts';

/** The limits of one request, and the points that its caller has left. */
export interface CallerBudget {
  readonly limits: Limits;
  /** Key of the account that pays: the caller's, or the one of all unverified callers of its address. Also counts uploads. */
  readonly limitKey: string;
  /** Points that the caller has left in this minute; null without a rate limit. */
  readonly remaining: number | null;
  /** Spends points and sets the rate limit headers of the response. Throws an HttpError (429) and spends none above the limit. */
  spend(points: number): Promise<void>;
  /** Records the evidence about the credential. `upstreamCalls` is the number of calls of the request. */
  recordEvidence(evidence: CredentialEvidence, upstreamCalls: number): Promise<void>;
}

/** The part of a request context that identifies a caller for its limits. */
interface CallerIdentity {
  readonly scope: string;
  readonly viewer: { readonly name: string | null };
}

export type CreateCallerBudget = (
  identity: CallerIdentity,
  request: IncomingMessage,
  response?: GatewayResponse,
) => CallerBudget;

/** Returns the key of a caller's limits: its name, or else its scope and client address. */
export function callerKey({ scope, viewer }: CallerIdentity, { socket }: IncomingMessage): string {
  return viewer.name === null ? `${scope} ${addressKey(socket.remoteAddress)}` : `name ${viewer.name}`;
}

/** Points that are counted together under one key. */
interface PointsAccount {
  readonly limiter: RateLimiterMemory;
  readonly key: string;
}

/** Number of rejected credentials that use up all points of an address's unverified callers. */
const MAX_REJECTED = 100;

/**
 * Counts the points of each caller in fixed windows of one minute, which start at its first request. The library uses the
 * system clock.
 *
 * With `isPassthrough`, callers bring keys of the upstream, and a client can invent any number of them. Therefore all keys of
 * one address that the upstream has not accepted yet share one account, and each upstream call with a rejected key costs
 * 1/100 of its points. All keys of one address, accepted or not, share the points of `callersPerAddress` callers.
 */
export function createCallerRateLimiter(limits: Limits, isPassthrough: boolean): CreateCallerBudget {
  const { pointsPerMinute, callersPerAddress } = limits;
  if (pointsPerMinute === Number.POSITIVE_INFINITY) {
    const unlimited = { limits, remaining: null, spend: async () => {}, recordEvidence: async () => {} };
    return (identity, request) => ({ ...unlimited, limitKey: callerKey(identity, request) });
  }
  const limiter = new RateLimiterMemory({ points: pointsPerMinute, duration: 60 });
  const addressLimiter =
    isPassthrough && callersPerAddress !== Number.POSITIVE_INFINITY
      ? new RateLimiterMemory({ points: pointsPerMinute * callersPerAddress, duration: 60 })
      : null;
  const acceptedCredentials = createAcceptedCredentials();

  return ({ scope, viewer }, request, response) => {
    const address = addressKey(request.socket.remoteAddress);
    const ownAccount: PointsAccount = { limiter, key: callerKey({ scope, viewer }, request) };
    if (addressLimiter === null)
      return Object.assign(createPayment([ownAccount], limits, response), { recordEvidence: async () => {} });
    const unverifiedAccount: PointsAccount = { limiter, key: `unverified ${address}` };
    const isUnverified = !acceptedCredentials.has(scope);
    const addressAccount: PointsAccount = { limiter: addressLimiter, key: address };
    const payment = createPayment([isUnverified ? unverifiedAccount : ownAccount, addressAccount], limits, response);
    return Object.assign(payment, {
      async recordEvidence(evidence: CredentialEvidence, upstreamCalls: number) {
        acceptedCredentials.record(scope, evidence);
        if (evidence === 'rejected') {
          const penalty = upstreamCalls * Math.ceil(pointsPerMinute / MAX_REJECTED);
          await limiter.penalty(unverifiedAccount.key, penalty);
        } else if (evidence === 'accepted' && isUnverified) {
          await limiter.reward(unverifiedAccount.key, payment.spent); // Move the points to the caller's own account.
          await limiter.penalty(ownAccount.key, payment.spent);
        }
      },
    });
  };
}

type PointsAccounts = readonly [PointsAccount, ...PointsAccount[]];

/** Creates the payment of one request, which spends points of all accounts. `spent` is the sum so far. */
function createPayment(accounts: PointsAccounts, limits: Limits, response: GatewayResponse | undefined) {
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
      const { state, isRejected } = await consumeFromAll(accounts, points);
      remaining = state.remainingPoints;
      setRateLimitHeaders(response, limits.pointsPerMinute, state);
      if (isRejected) throw rateLimited(points, remaining, limits.pointsPerMinute, secondsOf(state.msBeforeNext));
      spent += points;
    },
  };
}

/** Consumes points from every account, or from none when one has too few. Returns the state of that one, or of the first. */
async function consumeFromAll([first, ...others]: PointsAccounts, points: number) {
  const outcome = await consume(first, points);
  const consumed = [first];
  for (const account of others) {
    if (outcome.isRejected) break;
    consumed.push(account);
    const { state, isRejected } = await consume(account, points);
    if (isRejected) Object.assign(outcome, { state, isRejected });
  }
  // Refund, so that a caller that cannot pay for this request can still pay for a smaller one.
  if (outcome.isRejected) for (const { limiter, key } of consumed) outcome.state = await limiter.reward(key, points);
  return outcome;
}

async function consume({ limiter, key }: PointsAccount, points: number) {
  try {
    return { state: await limiter.consume(key, points), isRejected: false };
  } catch (rejection) {
    if (!(rejection instanceof RateLimiterRes)) throw rejection;
    return { state: rejection, isRejected: true };
  }
}

function setRateLimitHeaders(
  response: GatewayResponse | undefined,
  limit: number,
  { remainingPoints, msBeforeNext }: RateLimiterRes,
): void {
  if (!response) return;
  response.earlyHeaders['ratelimit-limit'] = String(limit);
  response.earlyHeaders['ratelimit-remaining'] = String(remainingPoints);
  response.earlyHeaders['ratelimit-reset'] = String(secondsOf(msBeforeNext));
}

const secondsOf = (ms: number) => Math.ceil(ms / 1000);

function rateLimited(points: number, remaining: number, limit: number, retryAfterSeconds: number): LimitError {
  const message = `Rate limit: the request costs ${points} points, but ${remaining} are left in this minute (RATE_LIMIT_PER_MINUTE ${limit}); retry after ${retryAfterSeconds} seconds.`;
  const extensions = { code: 'RATE_LIMITED' satisfies ErrorCode, retryAfterSeconds };
  return new LimitError(429, new GraphQLError(message, { extensions }), { 'retry-after': String(retryAfterSeconds) });
}
