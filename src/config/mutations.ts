import type { z } from 'zod';
import type { MutationConfig } from '../commands/mutation-policy.ts';
import { int, onOff } from './env.ts';

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

export function mutationsOf(values: Settings, isSandbox: boolean): MutationConfig {
  const { ALLOW_MUTATIONS: allowed, MAX_CREATES_PER_DAY: create, MAX_GRADER_RUNS_PER_DAY: graderRun } = values;
  return { isAllowed: allowed === undefined ? isSandbox : allowed === 'on', maxPerDay: { create, graderRun } };
}
