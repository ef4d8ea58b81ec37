import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import type { Clock } from '../clock.ts';

// V8 lets garbage grow to three times what is alive before it looks for all of it, and gives young objects up to 128 MiB.
// That is quick while little is alive; with a full store it is several times CACHE_MAX_MB. So both depend on what is kept.

const INTERVAL_MS = 250;

const MIB = 1024 * 1024;
/** The old part of the heap of a gateway that keeps nothing. Measured. */
const BASE_BYTES = 30 * MIB;
/** What grows outside of the heap: bodies on their way, and what the collector itself takes. Measured. */
const OTHER_BYTES = 60 * MIB;
/** What kept things take of what they are counted for, which is rather too much. Measured. */
const REAL_SHARE = 0.75;
/** What an open stream of a subscription takes in the old part, rather more. Measured. */
const STREAM_BYTES = 15 * 1024;
/** How many times `maxBytes` the process may grow over what it takes at rest. */
const MAX_GROWTH = 2;
/** Old garbage in percent of what is alive: with less the collector is always at work; the most is V8's own. */
const [MIN_PERCENT, MAX_PERCENT] = [15, 300];

/** What a gateway holds now. */
export interface HeapLoad {
  readonly cachedBytes: number;
  /** Open streams of subscriptions. */
  readonly streams: number;
}

/** What V8 is told, by the names of its flags. */
interface HeapFlags {
  /** How far the old part of the heap may grow until it is collected. */
  readonly 'heap-growing-percent': number;
  /** By how much the part for young objects grows when it is too small: 1 is not at all. */
  readonly 'semi-space-growth-factor': number;
}

/**
 * Pure: the bounds while so much is kept of at most `maxBytes`, so many streams are open, and the part for young objects
 * has this size.
 */
export function heapFlags({ cachedBytes, streams }: HeapLoad, youngBytes: number, maxBytes: number): HeapFlags {
  const alive = BASE_BYTES + REAL_SHARE * cachedBytes + STREAM_BYTES * streams;
  const most = BASE_BYTES + MAX_GROWTH * maxBytes - OTHER_BYTES - youngBytes;
  const percent = Math.round(100 * (most / alive - 1));
  return {
    'heap-growing-percent': Math.min(MAX_PERCENT, Math.max(MIN_PERCENT, percent)),
    'semi-space-growth-factor': youngBytes >= maxBytes / 2 ? 1 : 2,
  };
}

/**
 * Keeps this process within twice `maxBytes` over what it takes at rest, from now on until it ends; streams count as kept,
 * and when they alone take more, little garbage comes on top.
 */
export function tuneGarbageCollection(held: () => HeapLoad, maxBytes: number, clock: Clock): void {
  const told = new Map<string, number>();
  const look = () => {
    const young = getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space');
    const bounds = heapFlags(held(), young?.space_size ?? 0, maxBytes);
    for (const [flag, value] of Object.entries(bounds)) {
      if (told.get(flag) !== value) setFlagsFromString(`--${flag}=${value}`); // V8 reads both at each collection.
      told.set(flag, value);
    }
    clock.after(INTERVAL_MS, look);
  };
  look();
}
