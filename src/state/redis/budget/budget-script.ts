import { z } from 'zod';
import { defineScript } from '../connection/script.ts';

/** Milliseconds for which calls that were granted may be made. Unused ones are lost. */
export const SLICE_MS = 200;

/**
 * Grants calls from the token bucket of all replicas. The bucket may go below zero: a call is granted before it is earned, and the
 * replica waits until then. So replicas with demand take turns, in the order of their requests. A grant is the share of a replica
 * of SLICE_MS, or of what is saved.
 *
 * - The bucket holds the calls of a second without a slice: calls are made up to SLICE_MS after they were earned.
 * - Replicas that are known and not attached (see HEARTBEAT) use their share without Redis: it is left to them.
 * - A replica that comes back has made calls without Redis: nothing is saved then.
 *
 * KEYS: bucket, askers, attached, blocks. ARGV: replica id, calls per second, waiting calls (any, subscription, spare),
 * subscription calls made since the last grant, known replicas, '1' after an outage, version of the known blocks.
 * Returns calls, calls of subscriptions among them, spare ones among them, milliseconds until they may be made or until the next
 * request, replicas with demand, calls per second, version of the blocks, and the blocks when it is another one.
 */
export const GRANT = defineScript(
  'budget.grant',
  `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local perSecond = tonumber(ARGV[2])
local any, subscription, spare = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
redis.call('ZADD', KEYS[3], now, ARGV[1])
local attached = redis.call('ZCOUNT', KEYS[3], now - 2500, '+inf')
local rate = perSecond * math.min(1, attached / math.max(1, tonumber(ARGV[7])))
redis.call('ZADD', KEYS[2], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - 1000)
redis.call('PEXPIRE', KEYS[2], 2000)
local askers = redis.call('ZCARD', KEYS[2])

local bucket = redis.call('HMGET', KEYS[1], 'at', 'calls', 'subscription', 'blocks')
local seconds = math.max(0, now - (tonumber(bucket[1]) or now)) / 1000
local saved = math.min(math.max(1, rate * 0.8), (tonumber(bucket[2]) or 1) + seconds * rate)
local shared = math.min(math.max(1, rate), (tonumber(bucket[3]) or 1) + seconds * rate * 0.5) - tonumber(ARGV[6])
if ARGV[8] == '1' then saved = math.min(saved, 0) end

local reserve = math.floor(rate * 0.5)
local useful = any
useful = useful + math.min(subscription, math.max(0, math.floor(shared)))
useful = useful + math.min(spare, math.max(0, math.floor(saved - reserve - useful)))
local slice = math.max(1, math.floor(rate * ${SLICE_MS / 1000} / askers), math.floor(saved / askers))
local granted = math.min(useful, slice)
local waitMs = 0
if granted > 0 then
  waitMs = math.max(0, granted - saved) / rate * 1000
else
  waitMs = 1000
  if subscription > 0 then waitMs = math.min(waitMs, (1 - shared) / (rate * 0.5) * 1000) end
  if spare > 0 then waitMs = math.min(waitMs, (1 + reserve - saved) / rate * 1000) end
end
local ofSubscriptions = math.max(0, math.min(granted, math.floor(shared)))
local ofSpare = math.max(0, math.min(granted, math.floor(saved - reserve)))
redis.call('HSET', KEYS[1], 'at', now, 'calls', saved - granted, 'subscription', shared)

local version = tonumber(bucket[4]) or 0
local blocks = {}
if version ~= tonumber(ARGV[9]) then
  blocks = redis.call('ZRANGE', KEYS[4], '(' .. now, '+inf', 'BYSCORE', 'WITHSCORES')
  for i = 2, #blocks, 2 do blocks[i] = string.format('%d', tonumber(blocks[i]) - now) end
end
return { granted, ofSubscriptions, ofSpare, math.ceil(waitMs), askers, tostring(rate), version, blocks }
`,
);

/** The reply of GRANT. */
export const grantReply = z
  .tuple([
    z.number(),
    z.number(),
    z.number(),
    z.number(),
    z.number(),
    z.coerce.number(),
    z.number(),
    z.array(z.string()),
  ])
  .transform(([calls, subscription, spare, waitMs, askers, rate, blocksVersion, blocks]) => ({
    calls,
    subscription,
    spare,
    waitMs,
    askers,
    rate,
    blocksVersion,
    /** Names, and milliseconds until the end of the block. */
    blocks: Array.from(
      { length: blocks.length / 2 },
      (_, index) => [String(blocks[2 * index]), Number(blocks[2 * index + 1])] as const,
    ),
  }));

export type GrantReply = z.output<typeof grantReply>;

/**
 * Records a block. At most 1000 are recorded: those that end last.
 *
 * KEYS: bucket, blocks. ARGV: name of the block, milliseconds.
 */
export const BLOCK = defineScript(
  'budget.block',
  `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
redis.call('ZADD', KEYS[2], 'GT', now + ARGV[2], ARGV[1])
redis.call('ZREMRANGEBYRANK', KEYS[2], 0, -1001)
local last = redis.call('ZRANGE', KEYS[2], -1, -1, 'WITHSCORES')
redis.call('PEXPIREAT', KEYS[2], string.format('%d', tonumber(last[2])))
return redis.call('HINCRBY', KEYS[1], 'blocks', 1)
`,
);
