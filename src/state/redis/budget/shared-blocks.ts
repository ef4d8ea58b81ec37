import { createHmac } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Clock } from '../../../clock.ts';
import { fleetBlock } from '../../../telemetry/fleet-events.ts';
import { type BlockedCalls, type CallBlocks, createCallBlocks } from '../../call-blocks.ts';
import type { RedisConnection } from '../connection/connection.ts';
import { BLOCK } from './budget-script.ts';

/** Blocks of all replicas. This one is told of those of the others with each grant of calls. */
export interface SharedBlocks extends CallBlocks {
  /** Applies blocks of the fleet: names, and milliseconds until their end. */
  apply(blocks: readonly (readonly [name: string, ms: number])[]): void;
}

/** Maximum number of names in memory. */
const MAX_NAMES = 1000;

/** `secret` names credentials in Redis: an HMAC under it reveals none. */
export function createSharedBlocks(redis: RedisConnection, secret: Uint8Array, clock: Clock): SharedBlocks {
  const local = createCallBlocks(clock);
  const names = new LRUCache<string, string>({ maxSize: MAX_NAMES, sizeCalculation: () => 1 });
  const keys = [redis.key('budget'), redis.key('budget', 'blocks')];
  let hasBlocks = false;

  function nameOf(credential: string): string {
    const name = names.get(credential) ?? createHmac('sha256', secret).update(credential).digest('base64url');
    names.set(credential, name);
    return name;
  }

  function add(name: string, calls: BlockedCalls, ms: number) {
    hasBlocks = true;
    local.block(name, calls, ms);
  }

  return {
    blockedMs: (credential, isChange) => (hasBlocks ? local.blockedMs(nameOf(credential), isChange) : 0),
    block(credential, calls, ms) {
      const name = nameOf(credential);
      add(name, calls, ms);
      if (fleetBlock.hasSubscribers) fleetBlock.publish({ calls });
      redis.run(BLOCK, keys, [`${calls} ${name}`, Math.ceil(ms)]).catch(() => {}); // The others get a 429 of their own.
    },
    apply(blocks) {
      for (const [text, ms] of blocks) {
        const [calls, name = ''] = text.split(' ');
        add(name, calls === 'changes' ? 'changes' : 'all', ms);
      }
    },
  };
}
