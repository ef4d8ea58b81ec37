import type { IncomingMessage } from 'node:http';
import { GraphQLError } from 'graphql';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import type { ErrorCode } from '../../schema/core/errors.ts';
import { addressKey } from '../http/client-address.ts';
import type { GatewayResponse } from '../http/reply.ts';
import { type CredentialEvidence, createAcceptedCredentials } from './accepted-credentials.ts';
import { LimitError } from './limit-error.ts';
import type { Limits } from './query-limits.ts';

/** What one request may ask for, and its caller may still spend. */
export interface CallerBudget {
  readonly limits: Limits;
  /** Who pays: the caller, or all strangers of its address together. What one of them may have at a time counts for these, too. */
  readonly limitKey: string;
  /** Points that the caller has left in this minute; null when nobody counts. */
  readonly remaining: number | null;
  /** Takes points from the caller, and tells so in the answer's headers if it has any. Throws a Refusal (429), and takes none then. */
  spend(points: number): Promise<void>;
  /** Takes note of what the request has shown of its credential, by so many upstream calls. */
  recordEvidence(showing: CredentialEvidence, upstreamCalls: number): Promise<void>;
}

/** Who asks, as far as it matters for points. */
interface Spender {
  readonly scope: string;
  readonly viewer: { readonly name: string | null };
}

export type CreateCallerBudget = (
  spender: Spender,
  request: IncomingMessage,
  response?: GatewayResponse,
) => CallerBudget;

/** Whose limits count: those of the name that the caller has, or else of its view of the upstream and its address. */
export function callerKey({ scope, viewer }: Spender, { socket }: IncomingMessage): string {
  return viewer.name === null ? `${scope} ${addressKey(socket.remoteAddress)}` : `name ${viewer.name}`;
}

/** Points that are counted together. */
interface PointsAccount {
  readonly minutes: RateLimiterMemory;
  readonly key: string;
}

/** How many refused credentials take all points of an address's strangers. */
const MAX_REFUSED = 100;

/**
 * Counts what each caller spends, in windows of a minute that begin with its first request. They go by the machine's own
 * clock, as the library does.
 *
 * Where callers bring keys, anybody can make some up. Those of one address that the upstream has not accepted yet are
 * one caller together, which each call that it refuses costs a hundredth of its points; and all of one address, accepted
 * or not, have the points of a few callers.
 */
export function createCallerRateLimiter(limits: Limits, callersBringKeys: boolean): CreateCallerBudget {
  const { pointsPerMinute, callersPerAddress } = limits;
  if (pointsPerMinute === Number.POSITIVE_INFINITY) {
    const free = { limits, remaining: null, spend: async () => {}, recordEvidence: async () => {} };
    return (spender, request) => ({ ...free, limitKey: callerKey(spender, request) });
  }
  const minutes = new RateLimiterMemory({ points: pointsPerMinute, duration: 60 });
  const ofAddresses =
    callersBringKeys && callersPerAddress !== Number.POSITIVE_INFINITY
      ? new RateLimiterMemory({ points: pointsPerMinute * callersPerAddress, duration: 60 })
      : null;
  const acquaintances = createAcceptedCredentials();

  return ({ scope, viewer }, request, response) => {
    const address = addressKey(request.socket.remoteAddress);
    const own: PointsAccount = { minutes, key: callerKey({ scope, viewer }, request) };
    if (ofAddresses === null)
      return Object.assign(payFrom([own], limits, response), { recordEvidence: async () => {} });
    const strangers: PointsAccount = { minutes, key: `strangers ${address}` };
    const isStranger = !acquaintances.has(scope);
    const payment = payFrom([isStranger ? strangers : own, { minutes: ofAddresses, key: address }], limits, response);
    return Object.assign(payment, {
      async recordEvidence(showing: CredentialEvidence, upstreamCalls: number) {
        acquaintances.note(scope, showing);
        if (showing === 'refused') {
          await minutes.penalty(strangers.key, upstreamCalls * Math.ceil(pointsPerMinute / MAX_REFUSED));
        } else if (showing === 'accepted' && isStranger) {
          await minutes.reward(strangers.key, payment.spent); // It was a caller of its own all the time.
          await minutes.penalty(own.key, payment.spent);
        }
      },
    });
  };
}

type PointsAccounts = readonly [PointsAccount, ...PointsAccount[]];

/** What a request is paid from; `spent` is what it has taken so far. */
function payFrom(purses: PointsAccounts, limits: Limits, response: GatewayResponse | undefined) {
  let remaining = limits.pointsPerMinute;
  let spent = 0;
  return {
    limits,
    limitKey: purses[0].key,
    get remaining() {
      return remaining;
    },
    get spent() {
      return spent;
    },
    async spend(points: number) {
      const { left, isRefused } = await takeFrom(purses, points);
      remaining = left.remainingPoints;
      tell(response, limits.pointsPerMinute, left);
      if (isRefused) throw rateLimited(points, remaining, secondsOf(left.msBeforeNext));
      spent += points;
    },
  };
}

/** Takes points from each, or from none when one has too few. Tells what is left of that one, or of the first. */
async function takeFrom([first, ...others]: PointsAccounts, points: number) {
  const outcome = await take(first, points);
  const taken = [first];
  for (const purse of others) {
    if (outcome.isRefused) break;
    taken.push(purse);
    const { left, isRefused } = await take(purse, points);
    if (isRefused) Object.assign(outcome, { left, isRefused });
  }
  // Given back, or who cannot pay for this could pay for nothing smaller either.
  if (outcome.isRefused) for (const { minutes, key } of taken) outcome.left = await minutes.reward(key, points);
  return outcome;
}

async function take({ minutes, key }: PointsAccount, points: number) {
  try {
    return { left: await minutes.consume(key, points), isRefused: false };
  } catch (refused) {
    if (!(refused instanceof RateLimiterRes)) throw refused;
    return { left: refused, isRefused: true };
  }
}

function tell(
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

function rateLimited(points: number, remaining: number, retryAfterSeconds: number): LimitError {
  const message = `Rate limit: expected a query of at most ${remaining} points, got ${points}; in ${retryAfterSeconds} s there are more.`;
  const extensions = { code: 'RATE_LIMITED' satisfies ErrorCode, retryAfterSeconds };
  return new LimitError(429, new GraphQLError(message, { extensions }), { 'retry-after': String(retryAfterSeconds) });
}
