import type { IncomingMessage } from 'node:http';
import { GraphQLError } from 'graphql';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import type { ErrorCode } from '../../schema/core/errors.ts';
import { addressKey } from '../http/client-address.ts';
import type { FrontResponse } from '../http/reply.ts';
import { createAcquaintances, type Showing } from './accepted-credentials.ts';
import { LimitRefusal } from './limit-error.ts';
import type { Limits } from './query-limits.ts';

/** What one request may ask for, and its caller may still spend. */
export interface Allowance {
  readonly limits: Limits;
  /** Who pays: the caller, or all strangers of its address together. What one of them may have at a time counts for these, too. */
  readonly payer: string;
  /** Points that the caller has left in this minute; null when nobody counts. */
  readonly remaining: number | null;
  /** Takes points from the caller, and tells so in the answer's headers if it has any. Throws a Refusal (429), and takes none then. */
  spend(points: number): Promise<void>;
  /** Takes note of what the request has shown of its credential, by so many upstream calls. */
  learn(showing: Showing, upstreamCalls: number): Promise<void>;
}

/** Who asks, as far as it matters for points. */
interface Spender {
  readonly scope: string;
  readonly viewer: { readonly name: string | null };
}

export type Allow = (spender: Spender, request: IncomingMessage, response?: FrontResponse) => Allowance;

/** Whose limits count: those of the name that the caller has, or else of its view of the upstream and its address. */
export function callerKey({ scope, viewer }: Spender, { socket }: IncomingMessage): string {
  return viewer.name === null ? `${scope} ${addressKey(socket.remoteAddress)}` : `name ${viewer.name}`;
}

/** Points that are counted together. */
interface Purse {
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
export function createAllow(limits: Limits, callersBringKeys: boolean): Allow {
  const { pointsPerMinute, callersPerAddress } = limits;
  if (pointsPerMinute === Number.POSITIVE_INFINITY) {
    const free = { limits, remaining: null, spend: async () => {}, learn: async () => {} };
    return (spender, request) => ({ ...free, payer: callerKey(spender, request) });
  }
  const minutes = new RateLimiterMemory({ points: pointsPerMinute, duration: 60 });
  const ofAddresses =
    callersBringKeys && callersPerAddress !== Number.POSITIVE_INFINITY
      ? new RateLimiterMemory({ points: pointsPerMinute * callersPerAddress, duration: 60 })
      : null;
  const acquaintances = createAcquaintances();

  return ({ scope, viewer }, request, response) => {
    const address = addressKey(request.socket.remoteAddress);
    const own: Purse = { minutes, key: callerKey({ scope, viewer }, request) };
    if (ofAddresses === null) return Object.assign(payFrom([own], limits, response), { learn: async () => {} });
    const strangers: Purse = { minutes, key: `strangers ${address}` };
    const isStranger = !acquaintances.has(scope);
    const payment = payFrom([isStranger ? strangers : own, { minutes: ofAddresses, key: address }], limits, response);
    return Object.assign(payment, {
      async learn(showing: Showing, upstreamCalls: number) {
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

type Purses = readonly [Purse, ...Purse[]];

/** What a request is paid from; `spent` is what it has taken so far. */
function payFrom(purses: Purses, limits: Limits, response: FrontResponse | undefined) {
  let remaining = limits.pointsPerMinute;
  let spent = 0;
  return {
    limits,
    payer: purses[0].key,
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
async function takeFrom([first, ...others]: Purses, points: number) {
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

async function take({ minutes, key }: Purse, points: number) {
  try {
    return { left: await minutes.consume(key, points), isRefused: false };
  } catch (refused) {
    if (!(refused instanceof RateLimiterRes)) throw refused;
    return { left: refused, isRefused: true };
  }
}

function tell(
  response: FrontResponse | undefined,
  limit: number,
  { remainingPoints, msBeforeNext }: RateLimiterRes,
): void {
  if (!response) return;
  response.early['ratelimit-limit'] = String(limit);
  response.early['ratelimit-remaining'] = String(remainingPoints);
  response.early['ratelimit-reset'] = String(secondsOf(msBeforeNext));
}

const secondsOf = (ms: number) => Math.ceil(ms / 1000);

function rateLimited(points: number, remaining: number, retryAfterSeconds: number): LimitRefusal {
  const message = `Rate limit: expected a query of at most ${remaining} points, got ${points}; in ${retryAfterSeconds} s there are more.`;
  const extensions = { code: 'RATE_LIMITED' satisfies ErrorCode, retryAfterSeconds };
  return new LimitRefusal(429, new GraphQLError(message, { extensions }), { 'retry-after': String(retryAfterSeconds) });
}
