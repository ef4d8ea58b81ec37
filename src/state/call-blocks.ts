import { LRUCache } from 'lru-cache';
import type { Clock } from '../clock.ts';

/** The calls that the upstream has refused for a while: all, or those that change something. */
export type BlockedCalls = 'all' | 'changes';

/** Credentials whose calls the upstream has refused for a while (429 with Retry-After). Calls are not sent until then. */
export interface CallBlocks {
  /** Milliseconds until a call with the credential may be sent; 0: now. */
  blockedMs(credential: string, isChange: boolean): number;
  /** Records that the upstream has refused calls for `ms`. */
  block(credential: string, calls: BlockedCalls, ms: number): void;
}

/** Maximum number of blocks: a client can invent credentials. */
const MAX_BLOCKS = 1000;

/** Blocks of this process. */
export function createCallBlocks(clock: Clock): CallBlocks {
  const ends = new LRUCache<string, number>({ maxSize: MAX_BLOCKS, sizeCalculation: () => 1 });

  function leftMs(credential: string, calls: BlockedCalls): number {
    const key = `${credential} ${calls}`;
    const ms = (ends.get(key) ?? 0) - clock.now();
    if (ms > 0) return ms;
    ends.delete(key);
    return 0;
  }

  return {
    blockedMs(credential, isChange) {
      if (ends.size === 0) return 0;
      return Math.max(leftMs(credential, 'all'), isChange ? leftMs(credential, 'changes') : 0);
    },
    block(credential, calls, ms) {
      const key = `${credential} ${calls}`;
      ends.set(key, Math.max(ends.get(key) ?? 0, clock.now() + ms));
    },
  };
}
