// What values take in memory, in bytes, as V8 lays them out on 64 bits: rather too much than too little, as a bound is
// made of it. Measured: a job of 1,000 characters of JSON takes 1,760 bytes, a body of empty objects 20 for each character.
const BYTES_PER_STRING = 24;
const BYTES_PER_ARRAY = 32;
const BYTES_PER_OBJECT = 56;
const BYTES_PER_SLOT = 16;
const BYTES_PER_NUMBER = 16;
/** What an error knows of where it was made. */
const BYTES_PER_ERROR = 600;

/** Bytes that a JSON value, or an error in the place of one, takes in memory; shared parts count as often as they occur. Never recurses. */
export function estimateBytes(value: unknown): number {
  let bytes = 0;
  const left: unknown[] = [value];
  while (left.length > 0) {
    const next = left.pop();
    if (typeof next === 'string') bytes += BYTES_PER_STRING + textBytes(next);
    else if (typeof next === 'number') bytes += BYTES_PER_NUMBER;
    else if (Array.isArray(next)) {
      bytes += BYTES_PER_ARRAY + BYTES_PER_SLOT * next.length;
      for (const item of next) left.push(item);
    } else if (typeof next === 'object' && next !== null) {
      const members = Object.values(next);
      bytes += (next instanceof Error ? BYTES_PER_ERROR : BYTES_PER_OBJECT) + BYTES_PER_SLOT * members.length;
      for (const member of members) left.push(member);
    }
  }
  return bytes;
}

// Text is laid out at one byte a character where it can be; to find out would take longer than it is worth. Of short ones
// most are names in ASCII.
const textBytes = ({ length }: string) => length * (length > 100 ? 2 : 1);
