import type { Clock } from '../../clock.ts';
import type { CallBlocks } from '../call-blocks.ts';
import { createTokenBucket } from '../token-bucket.ts';
import type { UpstreamBudget } from '../upstream-budget.ts';

/** One process tells its callers that the upstream refuses calls, and sends what they send again. */
const NO_BLOCKS: CallBlocks = { blockedMs: () => 0, block() {} };

/** The budget of a gateway that is one process. */
export function createMemoryBudget(clock: Clock): UpstreamBudget {
  return { open: (perSecond) => createTokenBucket(perSecond, clock), blocks: NO_BLOCKS };
}
