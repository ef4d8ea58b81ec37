import type { z } from 'zod';
import { int, onOff } from '../config/env.ts';
import type { UpstreamErrorFacts } from '../upstream/errors/upstream-error.ts';
import type { DailyCaps, MostPerDay } from './daily-quota.ts';

// Whether this gateway changes anything, and how much of what costs money.

/** The variables that decide it. */
export const mutationSettings = {
  ALLOW_MUTATIONS: onOff()
    .optional()
    .describe(
      'whether anything may be changed: on or off; if unset, on for the sandbox and off for any other upstream',
    ),
  MAX_CREATES_PER_DAY: int(0, 1_000_000)
    .default(50)
    .describe('most jobs that one caller creates in a day of UTC; 0 for none'),
  MAX_GRADER_RUNS_PER_DAY: int(0, 1_000_000)
    .default(500)
    .describe('most runs of graders that one caller asks for in a day of UTC; 0 for none'),
};

type Settings = z.output<z.ZodObject<typeof mutationSettings>>;

export interface MutationConfig {
  readonly isAllowed: boolean;
  readonly mostPerDay: MostPerDay;
}

export function mutationsOf(values: Settings, isSandbox: boolean): MutationConfig {
  const { ALLOW_MUTATIONS: allowed, MAX_CREATES_PER_DAY: create, MAX_GRADER_RUNS_PER_DAY: graderRun } = values;
  return { isAllowed: allowed === undefined ? isSandbox : allowed === 'on', mostPerDay: { create, graderRun } };
}

/** What one mutation leaves in the log. */
export interface AuditLine extends UpstreamErrorFacts {
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
  capsOf(caller: string): DailyCaps;
  audit(line: AuditLine): void;
}
