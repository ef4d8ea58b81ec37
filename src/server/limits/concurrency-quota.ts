import { GraphQLError } from 'graphql';
import type { ErrorCode } from '../../schema/core/errors.ts';
import { limitReached } from '../../telemetry/events.ts';
import { LimitError } from './limit-error.ts';

/** Counts one more operation in progress of the caller. Returns its release function. Throws an HttpError (429) at a limit. */
export type ConcurrencyQuota = (caller: string) => () => void;

/** A maximum, and the setting that changes it. */
export interface ConcurrencyLimit {
  readonly max: number;
  readonly setting: string;
}

export interface ConcurrencyQuotaOptions {
  /** The plural noun of what is counted, for the error message. */
  readonly noun: 'Subscriptions' | 'Uploads' | 'Downloads';
  readonly total: ConcurrencyLimit;
  readonly perCaller: ConcurrencyLimit;
}

export function createConcurrencyQuota({ noun, total, perCaller }: ConcurrencyQuotaOptions): ConcurrencyQuota {
  const countByCaller = new Map<string, number>();
  let totalCount = 0;
  return (caller) => {
    const callerCount = countByCaller.get(caller) ?? 0;
    if (callerCount >= perCaller.max) throw tooMany(noun, 'per caller', perCaller);
    if (totalCount >= total.max) throw tooMany(noun, 'in total', total);
    countByCaller.set(caller, callerCount + 1);
    totalCount++;
    return () => {
      totalCount--;
      const remaining = (countByCaller.get(caller) ?? 1) - 1;
      if (remaining > 0) countByCaller.set(caller, remaining);
      else countByCaller.delete(caller);
    };
  };
}

const LABELS = { Subscriptions: 'subscriptions', Uploads: 'uploads', Downloads: 'downloads' } as const;

function tooMany(noun: ConcurrencyQuotaOptions['noun'], scope: string, { max, setting }: ConcurrencyLimit): LimitError {
  if (limitReached.hasSubscribers) limitReached.publish({ limit: LABELS[noun] });
  const message = `${noun}: the limit of ${max} ${scope} is reached (${setting}); retry when one has ended.`;
  const extensions = { code: 'RATE_LIMITED' satisfies ErrorCode };
  return new LimitError(429, new GraphQLError(message, { extensions }));
}
