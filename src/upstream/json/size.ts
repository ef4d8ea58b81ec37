/** How the text of a leaf is counted. */
interface LeafBytes {
  readonly text: (text: string) => number;
  readonly number: (value: number) => number;
}

const LOWER_BOUND: LeafBytes = { text: ({ length }) => length + 2, number: () => 1 };
const EXACT: LeafBytes = { text: textBytes, number: (value) => String(value).length };

/** No JSON is more times longer than its lower bound: a list of numbers with 24 characters each. */
export const MAX_EXPANSION = 13;

/** Returns a lower bound of the bytes of a value as JSON: no character is escaped, and a number has one digit. */
export function minJsonBytes(value: unknown, maxBytes: number): number {
  return measure(value, maxBytes, LOWER_BOUND);
}

/** Returns the bytes of a value as JSON in UTF-8, or a number above `maxBytes` once it exceeds them. */
export function jsonBytes(value: unknown, maxBytes: number): number {
  return measure(value, maxBytes, EXACT);
}

/** Never recurses. */
function measure(value: unknown, maxBytes: number, { text, number }: LeafBytes): number {
  let bytes = 0;
  const remaining: unknown[] = [value];
  while (remaining.length > 0 && bytes <= maxBytes) {
    const next = remaining.pop();
    if (typeof next === 'string') bytes += text(next);
    else if (typeof next === 'number') bytes += number(next);
    else if (Array.isArray(next)) {
      bytes += 2 + Math.max(0, next.length - 1);
      for (const item of next) remaining.push(item);
    } else if (typeof next === 'object' && next !== null) {
      const names = Object.keys(next);
      bytes += 2 + Math.max(0, names.length - 1);
      for (const name of names) {
        bytes += text(name) + 1;
        remaining.push((next as Readonly<Record<string, unknown>>)[name]); // One of its own names.
      }
    } else bytes += next === false ? 5 : 4;
  }
  return bytes;
}

const [QUOTE, BACKSLASH] = [0x22, 0x5c];
/** The control characters that JSON escapes by one letter: backspace, tab, line feed, form feed, carriage return. */
const SHORT_ESCAPES = new Set([0x08, 0x09, 0x0a, 0x0c, 0x0d]);

/** The bytes of a text in quotes, as JSON.stringify escapes it. */
function textBytes(text: string): number {
  let bytes = 2;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit < 0x20) bytes += SHORT_ESCAPES.has(unit) ? 2 : 6;
    else if (unit < 0x80) bytes += unit === QUOTE || unit === BACKSLASH ? 2 : 1;
    else if (unit < 0x800) bytes += 2;
    else if (unit < 0xd800 || unit > 0xdfff) bytes += 3;
    else if (unit < 0xdc00 && isLowSurrogate(text.charCodeAt(index + 1))) {
      bytes += 4;
      index++;
    } else bytes += 6;
  }
  return bytes;
}

const isLowSurrogate = (unit: number) => unit >= 0xdc00 && unit <= 0xdfff;
