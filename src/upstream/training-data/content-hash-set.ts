import { hash } from 'node:crypto';

/** Contents that came before, by hashes of 53 bits: of a million the chance that two are taken for one is 1 in 18,000. */
export interface ContentHashSet {
  /** Whether this content came before. Takes note of it, as long as there is room. */
  testAndAdd(content: Uint8Array): boolean;
}

/** A table of numbers, at most half full; 0 is an empty place. At a million hashes it takes 16 MiB, a set of texts 100. */
export function createContentHashSet(mostHashes: number): ContentHashSet {
  let table = new Float64Array(4096);
  let size = 0;

  function placeOf(key: number): number {
    let place = key % table.length;
    while (table[place] !== 0 && table[place] !== key) place = (place + 1) % table.length;
    return place;
  }

  function grow() {
    const before = table;
    table = new Float64Array(2 * before.length);
    for (const key of before) if (key !== 0) table[placeOf(key)] = key;
  }

  return {
    testAndAdd(content) {
      const key = keyOf(content);
      if (table[placeOf(key)] === key) return true;
      if (size >= mostHashes) return false;
      if (2 * ++size > table.length) grow();
      table[placeOf(key)] = key;
      return false;
    },
  };
}

function keyOf(content: Uint8Array): number {
  const digest = hash('sha256', content, 'buffer');
  return digest.readUIntBE(0, 6) * 32 + ((digest[6] ?? 0) >> 3) || 1;
}
