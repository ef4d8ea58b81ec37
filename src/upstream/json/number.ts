/** The grammar of a number in JSON (RFC 8259, section 6): no `+`, no hexadecimal digits, no `Infinity`. */
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/**
 * Returns a number that a server sent as a JSON number or as text, such as `"1.5"`. Ignores spaces around the text. Null for
 * any other value, and for a number beyond the range of a double.
 */
export function readNumber(value: unknown): number | null {
  const number = typeof value === 'string' ? parseNumber(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : null;
}

/** The same for integers from -(2^53 - 1) to 2^53 - 1: a larger one would be rounded. */
export function readInteger(value: unknown): number | null {
  const number = readNumber(value);
  return Number.isSafeInteger(number) ? number : null;
}

function parseNumber(text: string): number | null {
  const trimmed = text.trim();
  return NUMBER.test(trimmed) ? Number(trimmed) : null;
}
