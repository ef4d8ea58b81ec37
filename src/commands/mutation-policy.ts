import type { UpstreamErrorFacts } from '../upstream/errors/upstream-error.ts';
import type { DailyLimits, DailyQuota } from './daily-quota.ts';

export interface MutationConfig {
  readonly isAllowed: boolean;
  readonly maxPerDay: DailyLimits;
}

/** The log record of one mutation. */
export interface AuditRecord extends UpstreamErrorFacts {
  readonly mutation: string;
  readonly viewer: string | null;
  readonly role: string;
  readonly requestId: string;
  /** Id of the entity that was created, changed or deleted, or was to be. */
  readonly id?: string | undefined;
  /** Success, or the failure type. */
  readonly outcome: string;
  /** The upstream or network error, for the log only. */
  readonly detail?: string | undefined;
}

export interface MutationPolicy {
  readonly isAllowed: boolean;
  /** Returns the daily quota of a caller. */
  quotaOf(caller: string): DailyQuota;
  audit(record: AuditRecord): void;
}
