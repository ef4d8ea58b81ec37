// Sizes of values in memory, in bytes, as V8 lays them out on 64-bit systems. Estimates are high, because they enforce a
// limit. Measured: a job of 1,000 JSON characters takes 1,760 bytes; a body of empty objects 20 bytes per character.
const BYTES_PER_STRING = 24;
const BYTES_PER_ARRAY = 32;
const BYTES_PER_OBJECT = 56;
const BYTES_PER_SLOT = 16;
const BYTES_PER_NUMBER = 16;
/** Includes the stack trace. */
const BYTES_PER_ERROR = 600;

/** Estimates the size of a JSON value or an error, in bytes. Counts shared parts at each occurrence. Never recurses. */
export function estimateBytes(value: unknown): number {
  let bytes = 0;
  const remaining: unknown[] = [value];
  while (remaining.length > 0) {
    const next = remaining.pop();
    if (typeof next === 'string') bytes += BYTES_PER_STRING + textBytes(next);
    else if (typeof next === 'number') bytes += BYTES_PER_NUMBER;
    else if (Array.isArray(next)) {
      bytes += BYTES_PER_ARRAY + BYTES_PER_SLOT * next.length;
      for (const item of next) remaining.push(item);
    } else if (typeof next === 'object' && next !== null) {
      const members = Object.values(next);
      bytes += (next instanceof Error ? BYTES_PER_ERROR : BYTES_PER_OBJECT) + BYTES_PER_SLOT * members.length;
      for (const member of members) remaining.push(member);
    }
  }
  return bytes;
}

// V8 stores text without wide characters at one byte each, but scanning for them costs too much. Short strings are mostly
// ASCII names; long ones count as two bytes per character.
const textBytes = ({ length }: string) => length * (length > 100 ? 2 : 1);
