import { isWithinDepth } from './depth.ts';
import { minJsonBytes } from './size.ts';

/** Maximum characters of JSON that is shown as text, without the escapes. */
const MAX_LENGTH = 10_000;

/**
 * Returns a text unchanged, and the JSON text of any other value. Of JSON with more than 100 levels or 10,000 characters it
 * returns `nested too deep` or `too long`: JSON.stringify recurses, and the text would take memory in each object.
 */
export function toText(value: unknown): string {
  if (typeof value === 'string') return value;
  if (minJsonBytes(value, MAX_LENGTH) > MAX_LENGTH) return 'too long';
  return isWithinDepth(value) ? JSON.stringify(value) : 'nested too deep';
}
