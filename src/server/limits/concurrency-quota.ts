import { GraphQLError } from 'graphql';
import type { ErrorCode } from '../../schema/core/errors.ts';
import { createMemoryOpenCounts } from '../../state/memory/open-counts.ts';
import type { OpenCounts, Opening } from '../../state/open-counts.ts';
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

/** A quota of this process. */
export function createConcurrencyQuota(options: ConcurrencyQuotaOptions): ConcurrencyQuota {
  const counts = createMemoryOpenCounts();
  const admit = createAdmission(options);
  return (caller) => admit(counts.open(caller, options.perCaller.max));
}

/** The same, but replicas count each caller together. `total` is still that of this process. Can also reject with the error. */
export type SharedQuota = (caller: string) => (() => void) | Promise<() => void>;

export function createSharedQuota(options: ConcurrencyQuotaOptions, counts: OpenCounts): SharedQuota {
  const admit = createAdmission(options);
  return (caller) => {
    const opening = counts.open(caller, options.perCaller.max);
    return opening instanceof Promise ? opening.then(admit) : admit(opening);
  };
}

/** Returns the function that counts what a caller has opened, and returns its release function. Throws at a limit. */
function createAdmission({ noun, total, perCaller }: ConcurrencyQuotaOptions) {
  let totalCount = 0;
  return (close: Opening) => {
    if (close === null) throw tooMany(noun, 'per caller', perCaller);
    if (totalCount >= total.max) {
      close();
      throw tooMany(noun, 'in total', total);
    }
    totalCount++;
    return () => {
      totalCount--;
      close();
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
