import { z } from 'zod';
import { isUnredactable } from '../../upstream/credentials/credential.ts';

// Types of settings. A message that begins with "expected" describes the valid values; config.ts completes the sentence.

/** A whole number. The text is checked first: `0x10`, ` 80` and `1e3` are refused. */
export const integer = (min: number, max: number) => {
  const expected = `expected a whole number from ${min} to ${max}`;
  return z
    .stringFormat('integer', /^\d{1,15}$/, expected)
    .transform(Number)
    .pipe(z.number().min(min, expected).max(max, expected));
};

/** At least one item in lower case, separated by commas. */
export const list = (expected: string, item: RegExp) =>
  z
    .string()
    .transform((text) =>
      text
        .split(',')
        .map((name) => name.trim().toLowerCase())
        .filter((name) => name !== ''),
    )
    .pipe(z.array(z.string().regex(item, expected)).min(1, expected));

/** One of these words. */
export const oneOf = <const T extends readonly [string, string, ...string[]]>(...words: T) =>
  z.enum(words, `expected ${words.slice(0, -1).join(', ')} or ${words.at(-1)}`);

export const onOff = () => oneOf('on', 'off');

// A line break at the end of a value, as editors and `echo` add it, is not part of it.

const IN_QUOTES = /^(?:(["'`]).*\1|[\u2018\u201c].*[\u2019\u201d])$/s;

/** Text that can be the value of an HTTP header. */
export const headerText = () =>
  z
    .string()
    .trim()
    .regex(/^[\x21-\x7e]+$/, { error: 'expected visible ASCII characters', abort: true })
    .refine((text) => !IN_QUOTES.test(text), 'expected text without quotes around it');

// JSON escapes quotes and backslashes, so a key with one would escape redaction.
const KEY = /^[\x21\x23-\x5b\x5d-\x7e]+$/;
const ASSIGNMENT = /^(?:export\s+)?[A-Z][A-Z0-9_]*_(?:KEY|SECRET|TOKEN)\s*=/;

/** Returns what is wrong with a key without white space around it, and what was expected; null for a valid key. */
export function keyProblem(key: string): string | null {
  if (IN_QUOTES.test(key)) return 'has quotes around the key; expected the key alone';
  if (/^bearer\s/i.test(key)) return 'begins with Bearer; expected the key alone';
  if (ASSIGNMENT.test(key)) return 'begins with the name of a variable; expected the key alone';
  return KEY.test(key) ? null : 'expected visible ASCII characters without quotes and backslashes';
}

/** The same for a key that is sent upstream, which may return it in any form. */
export function apiKeyProblem(key: string): string | null {
  if (isUnredactable(key)) return 'is a number, which cannot be redacted in JSON; expected a key with a letter';
  return keyProblem(key);
}

/** An API key. */
export const apiKeyText = () => secretText(apiKeyProblem);

/** Another secret. */
export const keyText = () => secretText(keyProblem);

const secretText = (problemOf: typeof keyProblem) =>
  z
    .string()
    .trim()
    .superRefine((key, context) => {
      const problem = problemOf(key);
      if (problem === null) return;
      const message = problem.startsWith('expected ') ? problem : `${problem}.`; // config.ts completes the former.
      context.addIssue({ code: 'custom', message, continue: false });
    });

/** The base URL of a REST API. */
export const baseUrl = () =>
  z
    .url({ protocol: /^https?$/, error: 'expected an http or https URL' })
    .transform((text) => new URL(text))
    .refine(
      (url) => !url.username && !url.password && !url.search && !url.hash,
      'expected an http or https URL without user, query and fragment',
    );

/** Prefixes of secrets, the user of a URL, and the long words that secrets consist of. */
const MAY_BE_SECRET = /sk-|whsec_|fgw_|bearer|@|[\w-]{20,}/i;

/** The value of a setting in quotes for a message, unless it may be a secret in the wrong variable. */
export function quoteValue(value: string): string {
  if (MAY_BE_SECRET.test(value)) return 'the value';
  return JSON.stringify(value.length > 100 ? `${value.slice(0, 100)}…` : value);
}
