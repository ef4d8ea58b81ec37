import { createHash } from 'node:crypto';

const LETTERS_AND_DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** A stream of pseudorandom values, determined by its key. */
export interface Random {
  /** True with this probability. */
  chance(probability: number): boolean;
  /** A number from `min`, included, to `max`, excluded. */
  between(min: number, max: number): number;
  /** An integer from `min` to `max`, both included. */
  int(min: number, max: number): number;
  /** One item of the list. Throws RangeError for an empty list. */
  pick<T>(list: readonly T[]): T;
  /** Letters and digits, as in ids. */
  text(length: number): string;
}

export function createRandom(...key: readonly (string | number)[]): Random {
  const next = createStream(createHash('sha256').update(JSON.stringify(key)).digest());
  const random: Random = {
    chance: (probability) => next() < probability,
    between: (min, max) => min + next() * (max - min),
    int: (min, max) => Math.floor(random.between(min, max + 1)),
    pick(list) {
      const picked = list[random.int(0, list.length - 1)];
      if (picked === undefined) throw new RangeError('Cannot pick from an empty list.');
      return picked;
    },
    text: (length) => Array.from({ length }, () => LETTERS_AND_DIGITS[random.int(0, 61)]).join(''),
  };
  return random;
}

/** The generator sfc32: fast, with 128 bits of state, so that the ids of two jobs do not collide. */
function createStream(state: Buffer): () => number {
  let a = state.readInt32LE(0);
  let b = state.readInt32LE(4);
  let c = state.readInt32LE(8);
  let counter = state.readInt32LE(12);
  return () => {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 2 ** 32;
  };
}
