import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import type { Clock } from '../clock.ts';

// By default V8 lets the old generation grow to three times its live size before a full collection, and gives the young
// generation up to 128 MiB. With a full cache the garbage would be several times CACHE_MAX_MB. So both bounds follow the load.

const INTERVAL_MS = 250;

const MIB = 1024 * 1024;
/** Live old generation of a gateway with an empty cache. Measured. */
const BASE_BYTES = 30 * MIB;
/** Growth outside of the heap: bodies in transfer, and the collector itself. Measured. */
const OTHER_BYTES = 100 * MIB;
/** Real size of cached bytes as a share of their estimate. Measured; rather too high. */
const REAL_SHARE = 0.75;
/** Live old generation per open subscription stream. Measured; rather too high. */
const STREAM_BYTES = 15 * 1024;
/** Maximum growth of the process over its size at rest, as a multiple of `maxBytes`. */
const MAX_GROWTH = 2;
/** Bounds of the garbage in percent of the live size. Below the minimum, V8 collects all the time; the maximum is V8's default. */
const [MIN_PERCENT, MAX_PERCENT] = [15, 300];

/** The part of the load that determines the live size of the heap. */
export interface HeapLoad {
  readonly cachedBytes: number;
  /** Open subscription streams. */
  readonly streams: number;
}

/** Values of V8 flags, by their names. */
interface HeapFlags {
  /** Growth of the old generation until the next full collection. */
  readonly 'heap-growing-percent': number;
  /** Factor by which the young generation grows when it is too small; 1 keeps its size. */
  readonly 'semi-space-growth-factor': number;
}

/** Flags for a load, a size of the young generation and a maximum size of the cache. Pure. */
export function heapFlags({ cachedBytes, streams }: HeapLoad, youngBytes: number, maxBytes: number): HeapFlags {
  const liveBytes = BASE_BYTES + REAL_SHARE * cachedBytes + STREAM_BYTES * streams;
  const maxOldBytes = BASE_BYTES + MAX_GROWTH * maxBytes - OTHER_BYTES - youngBytes;
  const percent = Math.round(100 * (maxOldBytes / liveBytes - 1));
  return {
    'heap-growing-percent': Math.min(MAX_PERCENT, Math.max(MIN_PERCENT, percent)),
    'semi-space-growth-factor': youngBytes >= maxBytes / 2 ? 1 : 2,
  };
}

/**
 * Limits the growth of this process to twice `maxBytes` over its size at rest, until it exits. Open streams count as live
 * bytes; when they alone exceed the limit, little garbage is allowed on top.
 */
export function tuneGarbageCollection(load: () => HeapLoad, maxBytes: number, clock: Clock): void {
  const current = new Map<string, number>();
  const update = () => {
    const young = getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space');
    const flags = heapFlags(load(), young?.space_size ?? 0, maxBytes);
    for (const [flag, value] of Object.entries(flags)) {
      if (current.get(flag) !== value) setFlagsFromString(`--${flag}=${value}`); // V8 reads them at each collection.
      current.set(flag, value);
    }
    clock.after(INTERVAL_MS, update);
  };
  update();
}
