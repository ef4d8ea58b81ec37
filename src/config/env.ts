import { z } from 'zod';

// How the text of an environment variable is read.

export const int = (least: number, most: number) => {
  const expected = `expected a whole number from ${least} to ${most}`;
  return z
    .stringFormat('int', /^\d{1,15}$/, expected)
    .transform(Number)
    .pipe(z.number().min(least, expected).max(most, expected));
};

/** Items separated by commas, at least one, in lower case. */
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

/** A switch: `on` or `off`. */
export const onOff = () => z.enum(['on', 'off'], 'expected on or off');
