import type { IncomingMessage, ServerResponse } from 'node:http';
import { GraphQLError } from 'graphql';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import type { ErrorCode } from '../schema/errors.ts';
import { LimitRefusal } from './limit-refusal.ts';
import type { Limits } from './limits.ts';

/** What one request may ask for, and its caller may still spend. */
export interface Allowance {
  readonly limits: Limits;
  /** Points that the caller has left in this minute; null when nobody counts. */
  readonly remaining: number | null;
  /** Takes points from the caller, and tells so in the headers of the answer. Throws a Refusal (429), and takes none then. */
  spend(points: number): Promise<void>;
}

export type Allow = (caller: string, response: ServerResponse) => Allowance;

/**
 * Counts what each caller spends, in windows of a minute that begin with its first request. They go by the machine's own
 * clock, as the library does.
 */
export function createAllow(limits: Limits): Allow {
  const { pointsPerMinute } = limits;
  if (pointsPerMinute === Number.POSITIVE_INFINITY) return () => ({ limits, remaining: null, spend: async () => {} });
  const minutes = new RateLimiterMemory({ points: pointsPerMinute, duration: 60 });
  return (caller, response) => {
    let remaining = pointsPerMinute;
    const tell = ({ remainingPoints, msBeforeNext }: RateLimiterRes) => {
      remaining = remainingPoints;
      if (response.headersSent) return; // What was wrong with the request was answered meanwhile.
      response.setHeader('ratelimit-limit', pointsPerMinute);
      response.setHeader('ratelimit-remaining', remaining);
      response.setHeader('ratelimit-reset', secondsOf(msBeforeNext));
    };
    return {
      limits,
      get remaining() {
        return remaining;
      },
      async spend(points) {
        try {
          tell(await minutes.consume(caller, points));
        } catch (refused) {
          if (!(refused instanceof RateLimiterRes)) throw refused;
          // Given back, or who cannot pay for this could pay for nothing smaller either.
          tell(await minutes.reward(caller, points));
          throw rateLimited(points, remaining, secondsOf(refused.msBeforeNext));
        }
      },
    };
  };
}

/** Whose points are spent: those of the name that the caller has, or else of its view of the upstream and its address. */
export function callerKey(
  context: { scope: string; viewer?: { name: string | null } },
  request: IncomingMessage,
): string {
  const name = context.viewer?.name;
  return name == null ? `${context.scope} ${request.socket.remoteAddress}` : `name ${name}`;
}

const secondsOf = (ms: number) => Math.ceil(ms / 1000);

function rateLimited(points: number, remaining: number, retryAfterSeconds: number): LimitRefusal {
  const message = `Rate limit: expected a query of at most ${remaining} points, got ${points}; in ${retryAfterSeconds} s there are more.`;
  const extensions = { code: 'RATE_LIMITED' satisfies ErrorCode, retryAfterSeconds };
  return new LimitRefusal(429, new GraphQLError(message, { extensions }), { 'retry-after': String(retryAfterSeconds) });
}
