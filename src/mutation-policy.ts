import { z } from 'zod';
import type { Clock } from './clock.ts';
import { int, onOff } from './setting.ts';

// Whether this gateway changes anything, and how much one caller may change in a day: creating a job costs money.

/** The variables that decide it. */
export const mutationSettings = {
  ALLOW_MUTATIONS: onOff()
    .optional()
    .describe('whether anything may be changed: on or off; if unset, on for the sandbox and off for any other upstream'),
  MAX_CREATES_PER_DAY: int(0, 1_000_000).default(20).describe('most jobs that one caller may create in a day; 0: any'),
  MAX_GRADER_RUNS_PER_DAY: int(0, 1_000_000)
    .default(200)
    .describe('most grader runs of one caller in a day; 0: any'),
};

type Settings = z.output<z.ZodObject<typeof mutationSettings>>;

export interface MutationConfig {
  readonly isAllowed: boolean;
  /** Most of each in a day, Infinity where any number may be. */
  readonly daily: Readonly<Record<Counted, number>>;
}

/** What costs money each time. */
export type Counted = 'create' | 'graderRun';

export function mutationsOf(values: Settings, isSandbox: boolean): MutationConfig {
  const most = (value: number) => (value === 0 ? Number.POSITIVE_INFINITY : value);
  return {
    isAllowed: values.ALLOW_MUTATIONS === undefined ? isSandbox : values.ALLOW_MUTATIONS === 'on',
    daily: { create: most(values.MAX_CREATES_PER_DAY), graderRun: most(values.MAX_GRADER_RUNS_PER_DAY) },
  };
}

/** What one mutation leaves in the log. */
export interface AuditLine {
  readonly mutation: string;
  readonly viewer: string | null;
  readonly role: string;
  readonly requestId: string;
  /** What it was about, if it got so far. */
  readonly id?: string | undefined;
  /** The name of the type that it has answered. */
  readonly outcome: string;
}

export interface MutationPolicy {
  readonly isAllowed: boolean;
  /**
   * Takes one of what a caller may do today. Gives how to give it back, or the whole seconds until there are more when
   * there are none.
   */
  take(caller: string, what: Counted): { giveBack: () => void } | { retryAfterSeconds: number };
  audit(line: AuditLine): void;
}

export interface MutationPolicyOptions extends MutationConfig {
  clock: Clock;
  /** Takes one line for each mutation. */
  audit: (line: AuditLine) => void;
}

const DAY_MS = 86_400_000;

/** Counts by days of UTC, in this process: a restart forgets. */
export function createMutationPolicy({ isAllowed, daily, clock, audit }: MutationPolicyOptions): MutationPolicy {
  let day = Number.NaN;
  let taken = new Map<string, number>();

  return {
    isAllowed,
    audit,
    take(caller, what) {
      const today = Math.floor(clock.now() / DAY_MS);
      if (today !== day) taken = new Map();
      day = today;
      const counts = taken;
      const key = `${what} ${caller}`;
      const count = counts.get(key) ?? 0;
      if (count >= daily[what]) return { retryAfterSeconds: Math.ceil(((today + 1) * DAY_MS - clock.now()) / 1000) };
      counts.set(key, count + 1);
      return { giveBack: () => counts.set(key, (counts.get(key) ?? 1) - 1) };
    },
  };
}
