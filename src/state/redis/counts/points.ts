import { z } from 'zod';
import { FleetUnavailable } from '../../fleet-unavailable.ts';
import { createMemoryPoints, WINDOW_SECONDS } from '../../memory/points.ts';
import type { Points, PointsAccount, PointsAccounts, Spending } from '../../points.ts';
import type { RedisConnection } from '../connection/connection.ts';
import { digestOf } from '../connection/digest.ts';
import { defineScript } from '../connection/script.ts';

const WINDOW_MS = WINDOW_SECONDS * 1000;

/**
 * Consumes points from every account, or from none. A window begins with its first points.
 *
 * KEYS: accounts. ARGV: points, length of a window in milliseconds, then the maximum of each account.
 * Returns the position of the account with too few (0: none), and the consumed points and the rest of the window of that
 * account, or of the first.
 */
const CONSUME = defineScript(
  'points.consume',
  `
local points = tonumber(ARGV[1])
local function state(i)
  local left = redis.call('PTTL', KEYS[i])
  if left <= 0 then return 0, tonumber(ARGV[2]) end
  return tonumber(redis.call('GET', KEYS[i])), left
end
for i = 1, #KEYS do
  local consumed, left = state(i)
  if consumed + points > tonumber(ARGV[2 + i]) then return { i, consumed, left } end
end
for i, key in ipairs(KEYS) do
  local consumed, left = state(i)
  redis.call('SET', key, string.format('%.0f', consumed + points), 'PX', left)
end
return { 0, tonumber(redis.call('GET', KEYS[1])), redis.call('PTTL', KEYS[1]) }
`,
);
const consumeReply = z.tuple([z.number(), z.number(), z.number()]);

/**
 * Consumes points from the last account, also when too few are left. With two accounts, moves them there from the first one,
 * which has less to return when its window has ended meanwhile.
 *
 * KEYS: accounts. ARGV: points, length of a window in milliseconds.
 */
const CHARGE = defineScript(
  'points.charge',
  `
local function add(key, points)
  local left = redis.call('PTTL', key)
  local consumed = 0
  if left > 0 then consumed = tonumber(redis.call('GET', key)) else left = ARGV[2] end
  consumed = math.max(0, consumed + points)
  if consumed == 0 then redis.call('DEL', key)
  else redis.call('SET', key, string.format('%.0f', consumed), 'PX', left) end
end
if KEYS[2] then add(KEYS[1], -ARGV[1]) end
add(KEYS[#KEYS], tonumber(ARGV[1]))
return 0
`,
);

/** KEYS: accounts. ARGV: maximum of each. Returns the milliseconds until each has points. */
const WAIT = defineScript(
  'points.wait',
  `
local wait = 0
for i, key in ipairs(KEYS) do
  local consumed = redis.call('GET', key)
  if consumed and tonumber(consumed) >= tonumber(ARGV[i]) then wait = math.max(wait, redis.call('PTTL', key)) end
end
return wait
`,
);

/** The points of the callers of all replicas. While Redis is away, a replica counts its share of them. */
export function createRedisPoints(redis: RedisConnection): Points {
  const local = createMemoryPoints();
  const keyOf = ({ kind, key }: PointsAccount) => redis.key('points', kind, digestOf(key));
  const shareOf = (account: PointsAccount): PointsAccount => ({
    ...account,
    max: Math.max(1, Math.floor(account.max / redis.replicas)),
  });
  const sharesOf = ([first, ...others]: PointsAccounts): PointsAccounts => [shareOf(first), ...others.map(shareOf)];

  async function unlessAway<T>(shared: () => Promise<T>, alone: () => Promise<T>): Promise<T> {
    if (!redis.isAvailable) return await alone();
    try {
      return await shared();
    } catch (error) {
      if (error instanceof FleetUnavailable) return await alone();
      throw error;
    }
  }

  async function consume(accounts: PointsAccounts, points: number): Promise<Spending> {
    const max = accounts.map((account) => account.max);
    const reply = await redis.run(CONSUME, accounts.map(keyOf), [points, WINDOW_MS, ...max]);
    const [rejected, consumed, msBeforeNext] = consumeReply.parse(reply);
    const remainingPoints = Math.max(0, (max[Math.max(0, rejected - 1)] ?? 0) - consumed);
    return { state: { remainingPoints, msBeforeNext }, isRejected: rejected > 0 };
  }

  return {
    consume: (accounts, points) =>
      unlessAway(
        () => consume(accounts, points),
        () => local.consume(sharesOf(accounts), points),
      ),
    async charge(account, points) {
      const alone = () => local.charge(shareOf(account), points);
      if (!redis.isAvailable) return await alone();
      await redis.run(CHARGE, [keyOf(account)], [points, WINDOW_MS]).catch(alone);
    },
    async transfer(from, to, points) {
      const alone = () => local.charge(shareOf(to), points); // Of the other, the points can have been spent before.
      if (!redis.isAvailable) return await alone();
      await redis.run(CHARGE, [keyOf(from), keyOf(to)], [points, WINDOW_MS]).catch(alone);
    },
    msUntilPoints: (accounts) =>
      unlessAway(
        async () => {
          const max = accounts.map((account) => account.max);
          return z.number().parse(await redis.run(WAIT, accounts.map(keyOf), max));
        },
        () => local.msUntilPoints(sharesOf(accounts)),
      ),
  };
}
