import type { Clock } from '../../../clock.ts';
import type { CallCounts } from '../../upstream-budget.ts';
import { SLICE_MS } from './budget-script.ts';

/** The demand of a replica for calls: those that wait, and those that are likely to come. */
export interface Demand {
  waiting: CallCounts;
  readonly isWaiting: boolean;
  countCall(): void;
  /** Returns the calls to ask for, beside those that are granted; null when there are enough. */
  missing(granted: readonly GrantedCalls[]): CallCounts | null;
}

/** The rest of a grant. */
interface GrantedCalls {
  readonly calls: number;
  readonly subscription: number;
  readonly spare: number;
}

/** Minimum calls per slice for which a replica asks in advance. Below, a call waits for Redis. */
const MIN_AHEAD = 3;

export function createDemand(clock: Clock): Demand {
  let window = 0;
  let [made, madeBefore] = [0, 0];

  /** Counts by slices of time. */
  function roll() {
    const current = Math.floor(clock.now() / SLICE_MS);
    if (current === window) return;
    madeBefore = current === window + 1 ? made : 0;
    made = 0;
    window = current;
  }

  const demand: Demand = {
    waiting: { any: 0, subscription: 0, spare: 0 },
    get isWaiting() {
      const { any, subscription, spare } = demand.waiting;
      return any + subscription + spare > 0;
    },
    countCall() {
      roll();
      made++;
    },
    missing(granted) {
      const sum = (name: keyof GrantedCalls) => granted.reduce((total, grant) => total + grant[name], 0);
      const { waiting } = demand;
      const calls = sum('calls');
      const any = Math.max(0, waiting.any - calls);
      let left = Math.max(0, calls - waiting.any);
      const bySubscriptions = Math.min(left, waiting.subscription, sum('subscription'));
      left -= bySubscriptions;
      const bySpare = Math.min(left, waiting.spare, sum('spare'));
      const missing = { any, subscription: waiting.subscription - bySubscriptions, spare: waiting.spare - bySpare };
      if (missing.any + missing.subscription + missing.spare > 0) return missing;
      roll();
      const ahead = Math.max(made, madeBefore);
      if (ahead < MIN_AHEAD || calls >= ahead / 2) return null;
      return { any: ahead - calls, subscription: 0, spare: 0 };
    },
  };
  return demand;
}
