import type { UpstreamErrorFacts } from '../upstream/errors/upstream-error.ts';
import type { DailyLimits, DailyQuota } from './daily-quota.ts';

export interface MutationConfig {
  readonly isAllowed: boolean;
  readonly maxPerDay: DailyLimits;
}

/** What one mutation leaves in the log. */
export interface AuditRecord extends UpstreamErrorFacts {
  readonly mutation: string;
  readonly viewer: string | null;
  readonly role: string;
  readonly requestId: string;
  /** What it was about: what it has made, changed or deleted, or was to. */
  readonly id?: string | undefined;
  /** Success, or the kind of failure that it has answered. */
  readonly outcome: string;
  /** What the upstream or the network said, if it failed by them. */
  readonly detail?: string | undefined;
}

export interface MutationPolicy {
  readonly isAllowed: boolean;
  /** What this caller may still do today. */
  quotaOf(caller: string): DailyQuota;
  audit(line: AuditRecord): void;
}
