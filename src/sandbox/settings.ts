import { z } from 'zod';

// Checked as the text that it is: `0x10`, a space or nothing would pass for numbers otherwise.
const number = (form: RegExp, least: number, most: number, expected: string) =>
  z.string().regex(form, expected).transform(Number).pipe(z.number().min(least, expected).max(most, expected));

const EXPECTED_URL = 'expected an http or https URL without user and fragment';

/** The settings of the sandbox, by the names of their environment variables. */
export const sandboxSettings = {
  SANDBOX_PORT: number(/^\d+$/, 0, 65_535, 'expected a whole number from 0 to 65535')
    .default(0)
    .describe('where the sandbox listens; 0 takes any free port'),
  // Slower, the first jobs would be older than computers; faster, they would be shorter than a tick of the clock.
  SANDBOX_SPEED: number(/^\d*\.?\d+$/, 0.001, 10_000, 'expected a number from 0.001 to 10000')
    .default(10)
    .describe("how many times faster than real the sandbox's jobs run, 0.001 to 10000"),
  SANDBOX_SEED: number(/^-?\d+$/, -(2 ** 31), 2 ** 31 - 1, 'expected a whole number from -2147483648 to 2147483647')
    .default(1)
    .describe('which made-up jobs the sandbox has'),
  SANDBOX_DIALECT: z
    .enum(['openai', 'azure'], 'expected openai or azure')
    .default('openai')
    .describe('as whose server the sandbox answers: openai or azure'),
  SANDBOX_ADMIN_KEY: z
    .string()
    .regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, 'expected visible ASCII characters only, without quotes and backslashes')
    .optional()
    .describe('the only key that it takes for permissions of checkpoints; without it, one is made up'),
  SANDBOX_CONCURRENT_JOBS: number(/^\d+$/, 0, 1_000_000, 'expected a whole number from 0 to 1000000')
    .optional()
    .describe('how many jobs of a model clients may have at once; any number if unset'),
  SANDBOX_JOBS_PER_DAY: number(/^\d+$/, 0, 1_000_000, 'expected a whole number from 0 to 1000000')
    .optional()
    .describe('how many jobs of a model clients may create in 24 hours; any number if unset'),
  SANDBOX_WEBHOOK_URL: z
    .url({ protocol: /^https?$/, error: EXPECTED_URL })
    .transform((text) => new URL(text))
    .refine(({ username, password, hash }) => !username && !password && !hash, EXPECTED_URL)
    .optional()
    .describe('where the sandbox sends a signed webhook when a job ends'),
  SANDBOX_WEBHOOK_SECRET: z
    .string()
    .regex(/^whsec_[A-Za-z0-9+/]{16,}={0,2}$/, 'expected whsec_ and at least 16 characters of base64')
    .optional()
    .describe('what it signs them with, whsec_ and base64'),
};

export type DialectName = z.output<typeof sandboxSettings.SANDBOX_DIALECT>;
