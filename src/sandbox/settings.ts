import { z } from 'zod';
import { isNumber } from '../upstream/json/number.ts';

/** Shorter keys are not redacted. */
const MIN_KEY_LENGTH = 8;

// The text is matched before it is converted: Number() accepts '0x10', ' ' and '' too.
const number = (pattern: RegExp, min: number, max: number, expected: string) =>
  z.string().regex(pattern, expected).transform(Number).pipe(z.number().min(min, expected).max(max, expected));

const integer = (min: number, max: number, example: number) =>
  number(min < 0 ? /^-?\d+$/ : /^\d+$/, min, max, `expected a whole number from ${min} to ${max}, such as ${example}`);

const EXPECTED_URL = 'expected an http or https URL without user and fragment, such as http://127.0.0.1:8080/webhooks';

/** The settings of the sandbox, by the names of their environment variables. */
export const sandboxSettings = {
  SANDBOX_PORT: integer(0, 65_535, 4100).default(0).describe('port of the sandbox; 0 selects a free port'),
  // Below 0.001, the first jobs would start before 1970. Above 10000, statuses would last less than a millisecond.
  SANDBOX_SPEED: number(/^\d*\.?\d+$/, 0.001, 10_000, 'expected a number from 0.001 to 10000, such as 10')
    .default(10)
    .describe('speed of the sandbox jobs, in multiples of the real speed, 0.001 to 10000'),
  SANDBOX_SEED: integer(-(2 ** 31), 2 ** 31 - 1, 1)
    .default(1)
    .describe('seed of the generated jobs, a whole number'),
  SANDBOX_DIALECT: z
    .enum(['openai', 'azure'], 'expected openai or azure')
    .default('openai')
    .describe('dialect of the sandbox: openai or azure'),
  SANDBOX_ADMIN_KEY: z
    .string()
    .trim()
    .regex(
      /^(?!'.*'$)[\x21\x23-\x5b\x5d-\x7e]+$/,
      'expected visible ASCII characters without quotes and backslashes, such as sk-admin-1',
    )
    .refine(
      (key) => key.length < MIN_KEY_LENGTH || !isNumber(key),
      'expected a key with a letter, as a number cannot be redacted, such as sk-admin-1',
    )
    .optional()
    .describe('the only key that the sandbox accepts for checkpoint permissions; generated if unset'),
  SANDBOX_CONCURRENT_JOBS: integer(0, 1_000_000, 3)
    .optional()
    .describe('maximum active jobs per model that clients create in the sandbox; unlimited if unset'),
  SANDBOX_JOBS_PER_DAY: integer(0, 1_000_000, 48)
    .optional()
    .describe('maximum jobs per model that clients create in the sandbox in 24 hours; unlimited if unset'),
  SANDBOX_WEBHOOK_URL: z
    .url({ protocol: /^https?$/, error: EXPECTED_URL })
    .transform((text) => new URL(text))
    .refine(({ username, password, hash }) => !username && !password && !hash, EXPECTED_URL)
    .optional()
    .describe('URL to which the sandbox sends a signed webhook when a job ends'),
  SANDBOX_WEBHOOK_SECRET: z
    .string()
    .trim()
    .regex(/^whsec_[A-Za-z0-9+/]{16,}={0,2}$/, 'expected whsec_ and at least 16 characters of base64')
    .optional()
    .describe('secret that signs these webhooks: whsec_ and base64'),
};

export type DialectName = z.output<typeof sandboxSettings.SANDBOX_DIALECT>;
