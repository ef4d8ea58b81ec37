import type { AuditTrail } from './audit-record.ts';
import type { DailyLimits, DailyQuota } from './daily-quota.ts';

export interface MutationConfig {
  readonly isAllowed: boolean;
  readonly maxPerDay: DailyLimits;
}

export interface MutationPolicy {
  readonly isAllowed: boolean;
  /** Returns the daily quota of a caller. */
  quotaOf(caller: string): DailyQuota;
  readonly audit: AuditTrail;
}
