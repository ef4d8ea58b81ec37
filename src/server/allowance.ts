import type { IncomingMessage, ServerResponse } from 'node:http';
import { GraphQLError } from 'graphql';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import type { ErrorCode } from '../schema/errors.ts';
import { createAcquaintances, type Showing } from './acquaintances.ts';
import { addressKey } from './address.ts';
import { LimitRefusal } from './limit-refusal.ts';
import type { Limits } from './limits.ts';

/** What one request may ask for, and its caller may still spend. */
export interface Allowance {
  readonly limits: Limits;
  /** Points that the caller has left in this minute; null when nobody counts. */
  readonly remaining: number | null;
  /** Takes points from the caller, and tells so in the headers of the answer. Throws a Refusal (429), and takes none then. */
  spend(points: number): Promise<void>;
  /** Takes note of what the request has shown of its credential, by so many upstream calls. */
  learn(showing: Showing, upstreamCalls: number): Promise<void>;
}

/** Who asks, as far as it matters for points. */
interface Spender {
  readonly scope: string;
  readonly viewer: { readonly name: string | null };
}

export type Allow = (spender: Spender, request: IncomingMessage, response: ServerResponse) => Allowance;

/** Points that are counted together. */
interface Purse {
  readonly minutes: RateLimiterMemory;
  readonly key: string;
}

/** How many refused credentials take all points of an address's strangers. */
const MOST_REFUSED = 100;

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
  const free = { limits, remaining: null, spend: async () => {}, learn: async () => {} };
  if (pointsPerMinute === Number.POSITIVE_INFINITY) return () => free;
  const minutes = new RateLimiterMemory({ points: pointsPerMinute, duration: 60 });
  const ofAddresses =
    callersBringKeys && callersPerAddress !== Number.POSITIVE_INFINITY
      ? new RateLimiterMemory({ points: pointsPerMinute * callersPerAddress, duration: 60 })
      : null;
  const acquaintances = createAcquaintances();

  return ({ scope, viewer }, request, response) => {
    const address = addressKey(request.socket.remoteAddress);
    const own: Purse = { minutes, key: viewer.name === null ? `${scope} ${address}` : `name ${viewer.name}` };
    const strangers: Purse = { minutes, key: `strangers ${address}` };
    const isStranger = ofAddresses !== null && !acquaintances.has(scope);
    const purse = isStranger ? strangers : own;
    const purses: [Purse, ...Purse[]] = ofAddresses ? [purse, { minutes: ofAddresses, key: address }] : [purse];
    let remaining = pointsPerMinute;
    let spent = 0;
    return {
      limits,
      get remaining() {
        return remaining;
      },
      async spend(points) {
        const { of, isRefused } = await takeFrom(purses, points);
        remaining = of.remainingPoints;
        tell(response, pointsPerMinute, of);
        if (isRefused) throw rateLimited(points, remaining, secondsOf(of.msBeforeNext));
        spent += points;
      },
      async learn(showing, upstreamCalls) {
        if (ofAddresses === null) return;
        acquaintances.note(scope, showing);
        if (showing === 'refused') {
          await minutes.penalty(strangers.key, upstreamCalls * Math.ceil(pointsPerMinute / MOST_REFUSED));
        } else if (showing === 'accepted' && isStranger) {
          await minutes.reward(strangers.key, spent); // It was a caller of its own all the time.
          await minutes.penalty(own.key, spent);
        }
      },
    };
  };
}

/** Takes points from each, or from none when one has too few. Tells of that one, or of the first. */
async function takeFrom(purses: readonly [Purse, ...Purse[]], points: number) {
  const taken: Purse[] = [];
  let first: RateLimiterRes | null = null;
  for (const purse of purses) {
    taken.push(purse);
    const { left, isRefused } = await purse.minutes.consume(purse.key, points).then(asTaken, asRefused);
    first ??= left;
    if (!isRefused) continue;
    // Given back, or who cannot pay for this could pay for nothing smaller either.
    let of = left;
    for (const { minutes, key } of taken) of = await minutes.reward(key, points);
    return { of, isRefused };
  }
  return { of: first ?? new RateLimiterRes(), isRefused: false }; // There is a first.
}

function tell(response: ServerResponse, limit: number, { remainingPoints, msBeforeNext }: RateLimiterRes): void {
  if (response.headersSent) return; // What was wrong with the request was answered meanwhile.
  response.setHeader('ratelimit-limit', limit);
  response.setHeader('ratelimit-remaining', remainingPoints);
  response.setHeader('ratelimit-reset', secondsOf(msBeforeNext));
}

const asTaken = (left: RateLimiterRes) => ({ left, isRefused: false });

function asRefused(refused: unknown) {
  if (!(refused instanceof RateLimiterRes)) throw refused;
  return { left: refused, isRefused: true };
}

const secondsOf = (ms: number) => Math.ceil(ms / 1000);

function rateLimited(points: number, remaining: number, retryAfterSeconds: number): LimitRefusal {
  const message = `Rate limit: expected a query of at most ${remaining} points, got ${points}; in ${retryAfterSeconds} s there are more.`;
  const extensions = { code: 'RATE_LIMITED' satisfies ErrorCode, retryAfterSeconds };
  return new LimitRefusal(429, new GraphQLError(message, { extensions }), { 'retry-after': String(retryAfterSeconds) });
}
