import type { Clock } from '../../../clock.ts';
import { fleetGrant } from '../../../telemetry/fleet-events.ts';
import { createTokenBucket } from '../../token-bucket.ts';
import type { BudgetShare, CallBudget, CallCounts, UpstreamBudget } from '../../upstream-budget.ts';
import type { RedisConnection } from '../connection/connection.ts';
import { reportFailure } from '../connection/redis-errors.ts';
import { GRANT, type GrantReply, grantReply, SLICE_MS } from './budget-script.ts';
import { createDemand } from './demand.ts';
import { createSharedBlocks, type SharedBlocks } from './shared-blocks.ts';

/** Calls that Redis has granted, which may be made between two times. */
interface Grant {
  readonly from: number;
  readonly until: number;
  calls: number;
  subscription: number;
  spare: number;
}

/** Minimum milliseconds for the use of a grant, however late it arrives. */
const MIN_USE_MS = 20;
const RETRY_MS = 50;

/** The budget of all replicas together. While Redis is away, each has its share of the rate. */
export function createRedisBudget(redis: RedisConnection, secret: Uint8Array, clock: Clock): UpstreamBudget {
  const blocks = createSharedBlocks(redis, secret, clock);
  return { blocks, open: (perSecond, onChange) => openBudget(redis, clock, blocks, perSecond, onChange) };
}

function openBudget(
  redis: RedisConnection,
  clock: Clock,
  blocks: SharedBlocks,
  maxPerSecond: number,
  onChange: () => void,
): CallBudget {
  const keys = [
    redis.key('budget'),
    redis.key('budget', 'askers'),
    redis.key('attached'),
    redis.key('budget', 'blocks'),
  ];
  const demand = createDemand(clock);
  let grants: Grant[] = [];
  let askedAt: number | null = null;
  let madeSinceAsked = 0;
  let retryAt = 0;
  let perSecond = maxPerSecond;
  let madeBySubscriptions = 0;
  let blocksVersion = -1;
  let hasBeenAway = false;
  let changes = 0; // Of the availability of Redis.
  /** The share of this replica while Redis is away. */
  let share: CallBudget | null = redis.isAvailable ? null : openShare();

  // It fills from the request on that Redis has not answered: no call was granted since, but some of earlier grants were made.
  function openShare() {
    const start = askedAt === null ? { tokens: 0, at: clock.now() } : { tokens: -madeSinceAsked, at: askedAt };
    return createTokenBucket(maxPerSecond / redis.replicas, clock, start);
  }

  redis.onChange((isAvailable) => {
    grants = [];
    changes++;
    hasBeenAway ||= !isAvailable;
    share = isAvailable ? null : openShare();
    onChange();
  });

  const isUsable = (grant: Grant, kind: BudgetShare) => grant.calls > 0 && (kind === 'any' || grant[kind] > 0);
  const savedCalls = () => grants.reduce((sum, { calls }) => sum + calls, 0);

  /** One grant in advance: replicas take turns. */
  const nextAskAt = () => Math.max(retryAt, ...grants.map(({ from }) => from));

  async function ask(waiting: CallCounts): Promise<void> {
    const reported = madeBySubscriptions;
    madeBySubscriptions = 0;
    const [sentAt, before] = [clock.now(), changes];
    [askedAt, madeSinceAsked] = [sentAt, 0];
    try {
      const counts = [waiting.any, waiting.subscription, waiting.spare, reported];
      const known = [redis.replicas, hasBeenAway ? 1 : 0, blocksVersion];
      const reply = await redis.run(GRANT, keys, [redis.replicaId, maxPerSecond, ...counts, ...known]);
      const granted = grantReply.parse(reply);
      if (granted.calls > 0 && fleetGrant.hasSubscribers) fleetGrant.publish({ calls: granted.calls });
      blocksVersion = granted.blocksVersion;
      blocks.apply(granted.blocks);
      if (changes === before) take(granted, sentAt); // Else its calls were made from the share.
    } catch (error) {
      reportFailure('budget', error);
      madeBySubscriptions += reported;
      retryAt = clock.now() + RETRY_MS;
    } finally {
      askedAt = null;
    }
    onChange();
  }

  function take({ calls, subscription, spare, waitMs, askers, rate }: GrantReply, sentAt: number): void {
    hasBeenAway = false;
    perSecond = rate / askers;
    const now = clock.now();
    if (calls === 0) retryAt = now + Math.max(1, waitMs);
    const until = Math.max(sentAt + SLICE_MS, now + MIN_USE_MS) + waitMs;
    if (calls > 0) grants.push({ from: now + waitMs, until, calls, subscription, spare });
  }

  /** Asks for what waits and is not granted yet, or for what is likely to come. */
  function askIfNeeded(): void {
    const now = clock.now();
    if (share !== null || askedAt !== null || now < nextAskAt()) return;
    const missing = demand.missing(grants);
    if (missing !== null) void ask(missing);
  }

  return {
    get perSecond() {
      return share?.perSecond ?? perSecond;
    },
    get saved() {
      return share?.saved ?? savedCalls();
    },
    refresh() {
      share?.refresh();
      const now = clock.now();
      if (grants.length > 0) grants = grants.filter(({ until, calls }) => calls > 0 && now < until);
    },
    waitMs(kind) {
      if (share !== null) return share.waitMs(kind);
      const next = grants.find((grant) => isUsable(grant, kind));
      const now = clock.now();
      if (next !== undefined) return Math.max(0, next.from - now);
      if (askedAt !== null) return Number.POSITIVE_INFINITY; // The reply calls `onChange`.
      return Math.max(1, nextAskAt() - now); // Even if it is past by now, it was not when `expect` looked.
    },
    spend(kind) {
      if (share !== null) return share.spend(kind);
      if (kind === 'subscription') madeBySubscriptions++;
      const grant = grants.find((each) => isUsable(each, kind));
      if (grant !== undefined) {
        grant.calls--;
        if (kind !== 'any') grant[kind]--;
        grant.subscription = Math.min(grant.subscription, grant.calls);
        grant.spare = Math.min(grant.spare, grant.calls);
      }
      madeSinceAsked++;
      demand.countCall();
      if (!demand.isWaiting) askIfNeeded(); // Else `expect` follows: the calls that wait are counted anew.
    },
    expect(waiting) {
      demand.waiting = waiting;
      askIfNeeded();
    },
  };
}
