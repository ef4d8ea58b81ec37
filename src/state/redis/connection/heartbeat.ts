import { z } from 'zod';
import { defineScript } from './script.ts';

/**
 * Registers a replica until its next heartbeats are overdue, and counts the replicas. The epoch changes when Redis can have
 * lost data: its keys are gone, or it is another process than before (a restart or a failover). `lost` is the time of the last
 * loss; the first epoch has none. Whether keys are gone is known to the replicas that have met an earlier epoch. A replica is
 * attached while it uses what Redis shares: one that has had no answer uses its own shares until it gets one.
 *
 * KEYS: members, epoch, attached. ARGV: replica id, run id of the server, milliseconds until a replica counts as gone, the last
 * epoch that the replica has met or '', '1' if it is attached.
 * Returns the number of replicas, and the epoch.
 */
export const HEARTBEAT = defineScript(
  'fleet.heartbeat',
  `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[3])
if ARGV[5] == '1' then redis.call('ZADD', KEYS[3], now, ARGV[1]) else redis.call('ZREM', KEYS[3], ARGV[1]) end
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now - ARGV[3])
local run = redis.call('HGET', KEYS[2], 'run')
if run ~= ARGV[2] then
  redis.call('HSET', KEYS[2], 'run', ARGV[2], 'epoch', time[1] .. '.' .. time[2])
  if run then redis.call('HSET', KEYS[2], 'lost', now) end
end
local epoch = redis.call('HGET', KEYS[2], 'epoch')
if ARGV[4] ~= '' and ARGV[4] ~= epoch then redis.call('HSETNX', KEYS[2], 'lost', now) end
return { redis.call('ZCARD', KEYS[1]), epoch }
`,
);

/** Removes a replica from sets. KEYS: the sets. ARGV: replica id. */
export const LEAVE = defineScript(
  'fleet.leave',
  "for _, key in ipairs(KEYS) do redis.call('ZREM', key, ARGV[1]) end return 0",
);

/** The reply of HEARTBEAT. */
export const heartbeatReply = z.tuple([z.number(), z.string()]);
