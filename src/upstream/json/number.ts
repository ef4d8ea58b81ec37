/** The grammar of a number in JSON (RFC 8259, section 6): no `+`, no hexadecimal digits, no `Infinity`. */
const NUMBER = /^-?(0|[1-9]\d*)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;

/**
 * Returns a number that a server sent as a JSON number or as text, such as `"1.5"`. Ignores spaces around the text. Null for
 * any other value, and for a number beyond the range of a double.
 */
export function readNumber(value: unknown): number | null {
  const number = typeof value === 'string' ? parseNumber(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : null;
}

/** The same for integers from -(2^53 - 1) to 2^53 - 1: a larger one would be rounded, and so would a fraction close to them. */
export function readInteger(value: unknown): number | null {
  if (typeof value !== 'string') return Number.isSafeInteger(value) ? Number(value) : null;
  const number = parseNumber(value);
  return Number.isSafeInteger(number) && isInteger(value.trim()) ? number : null;
}

/** Whether a text consists of digits, or is a number in JSON, such as `-1.5e3`. */
export const isNumber = (text: string): boolean => /^\d+$/.test(text) || NUMBER.test(text);

function parseNumber(text: string): number | null {
  const trimmed = text.trim();
  return NUMBER.test(trimmed) ? Number(trimmed) : null;
}

/** Whether the text of a number has no fraction, as in `2.0` and `1.5e1`. */
function isInteger(text: string): boolean {
  const [, whole = '', fraction = '', exponent = '0'] = NUMBER.exec(text) ?? [];
  const digits = whole + fraction;
  let end = digits.length;
  while (end > 0 && digits[end - 1] === '0') end--;
  return end <= whole.length + Number(exponent) || end === 0;
}
