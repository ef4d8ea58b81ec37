import { hash } from 'node:crypto';

/** A set of contents by hashes of 53 bits. The chance of a false duplicate among a million contents is 1 in 18,000. */
export interface ContentHashSet {
  /** Returns whether the content is in the set, and adds it unless the set is full. */
  testAndAdd(content: Uint8Array): boolean;
}

/** A hash table with open addressing, at most half full; 0 is a free slot. A million hashes take 16 MiB, strings 100 MiB. */
export function createContentHashSet(maxHashes: number): ContentHashSet {
  let table = new Float64Array(4096);
  let size = 0;

  function findSlot(key: number): number {
    let slot = key % table.length;
    while (table[slot] !== 0 && table[slot] !== key) slot = (slot + 1) % table.length;
    return slot;
  }

  function grow() {
    const previous = table;
    table = new Float64Array(2 * previous.length);
    for (const key of previous) if (key !== 0) table[findSlot(key)] = key;
  }

  return {
    testAndAdd(content) {
      const key = keyOf(content);
      if (table[findSlot(key)] === key) return true;
      if (size >= maxHashes) return false;
      if (2 * ++size > table.length) grow();
      table[findSlot(key)] = key;
      return false;
    },
  };
}

function keyOf(content: Uint8Array): number {
  const digest = hash('sha256', content, 'buffer');
  return digest.readUIntBE(0, 6) * 32 + ((digest[6] ?? 0) >> 3) || 1;
}
