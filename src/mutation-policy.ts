import type { z } from 'zod';
import { onOff } from './setting.ts';

// Whether this gateway changes anything.

/** The variable that decides it. */
export const mutationSettings = {
  ALLOW_MUTATIONS: onOff()
    .optional()
    .describe(
      'whether anything may be changed: on or off; if unset, on for the sandbox and off for any other upstream',
    ),
};

type Settings = z.output<z.ZodObject<typeof mutationSettings>>;

export interface MutationConfig {
  readonly isAllowed: boolean;
}

export function mutationsOf({ ALLOW_MUTATIONS: allowed }: Settings, isSandbox: boolean): MutationConfig {
  return { isAllowed: allowed === undefined ? isSandbox : allowed === 'on' };
}

/** What one mutation leaves in the log. */
export interface AuditLine {
  readonly mutation: string;
  readonly viewer: string | null;
  readonly role: string;
  readonly requestId: string;
  /** What it was about, if it was done. */
  readonly id?: string | undefined;
  /** Success, or the kind of failure that it has answered. */
  readonly outcome: string;
}

export interface MutationPolicy extends MutationConfig {
  audit(line: AuditLine): void;
}
