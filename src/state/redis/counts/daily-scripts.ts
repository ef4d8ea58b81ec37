import { z } from 'zod';
import { defineScript } from '../connection/script.ts';

/*
 * A count is a hash of one operation and caller: its day, and for each replica a fact, "SEQUENCE COUNT". Only the replica itself
 * makes facts about its own count, each with a higher sequence number: an older fact that is written again, or late, changes
 * nothing.
 *
 * - meta: the day, and the number of the last change. The day never goes back.
 * - log: a sorted set of the counts of the day by their last change, by which replicas read what is new.
 * - gate: who has to write its facts after Redis has lost data (`awaited`), and who has done so (`complete`).
 */

/** No unit is taken for so long after a reset: by then each replica that is connected has noticed it. */
const SETTLE_MS = 2000;
/** A replica without a heartbeat for so long has taken no unit since its last one. */
const ACTIVE_MS = 2500;
const TTL_MS = 172_800_000;
/** A count of 0 remains for so long, in which the other replicas read it. */
const ZERO_TTL_MS = 120_000;

/** KEYS: epoch, meta. */
const TIME = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local epoch = redis.call('HGET', KEYS[1], 'epoch')
local day = math.max(math.floor(now / 86400000), tonumber(redis.call('HGET', KEYS[2], 'day') or '0'))
local today = string.format('%.0f', day)
`;

/** KEYS: epoch, meta, log. */
const WRITE = `${TIME}
local function put(key, entry, id, sequence, count)
  if redis.call('HGET', key, 'day') ~= today then
    redis.call('DEL', key)
    redis.call('HSET', key, 'day', today)
  end
  local known = string.match(redis.call('HGET', key, id) or '', '^%d+')
  if known and tonumber(known) >= tonumber(sequence) then return end
  redis.call('HSET', key, id, sequence .. ' ' .. count)
  local isZero = true
  for _, fact in ipairs(redis.call('HVALS', key)) do
    local of = string.match(fact, '^%d+ (%d+)$')
    if of and of ~= '0' then isZero = false end
  end
  redis.call('PEXPIRE', key, isZero and ${ZERO_TTL_MS} or ${TTL_MS})
  if redis.call('HGET', KEYS[2], 'day') ~= today then
    redis.call('DEL', KEYS[3])
    redis.call('HSET', KEYS[2], 'day', today)
  end
  redis.call('ZADD', KEYS[3], redis.call('HINCRBY', KEYS[2], 'version', 1), entry)
  redis.call('PEXPIRE', KEYS[2], ${TTL_MS})
  redis.call('PEXPIRE', KEYS[3], ${TTL_MS})
end
`;

/** KEYS: gate. Counts the replicas that are awaited. */
const AWAITED = (key: string) => `
local function countAwaited()
  local count = 0
  if redis.call('HGET', ${key}, 'day') ~= today then return 0 end
  for _, state in ipairs(redis.call('HVALS', ${key})) do
    if state == 'awaited' then count = count + 1 end
  end
  return count
end
`;

/**
 * Takes a unit. KEYS: epoch, meta, log, gate, count. ARGV: epoch, day, entry, replica id, sequence number, units that the replica
 * has taken, limit.
 */
export const TAKE = defineScript(
  'daily.take',
  `${WRITE}${AWAITED('KEYS[4]')}
if not epoch or epoch ~= ARGV[1] then return { 'reset' } end
local settleMs = ${SETTLE_MS} - now + math.floor(tonumber(string.match(epoch, '^%d+')) * 1000 + tonumber(string.match(epoch, '%d+$')) / 1000)
if countAwaited() > 0 then return { 'awaited', countAwaited(), settleMs } end
if settleMs > 0 then return { 'settling', settleMs } end
if ARGV[2] ~= today then return { 'day', today } end
local own = tonumber(ARGV[6])
local total = own
if redis.call('HGET', KEYS[5], 'day') == today then
  local facts = redis.call('HGETALL', KEYS[5])
  for i = 1, #facts, 2 do
    if facts[i] == ARGV[4] then
      if tonumber(string.match(facts[i + 1], '^%d+')) >= tonumber(ARGV[5]) then return { 'reset' } end
    elseif facts[i] ~= 'day' then total = total + string.match(facts[i + 1], '%d+$') end
  end
end
local isTaken = total < tonumber(ARGV[7])
if isTaken then own = own + 1 end
if isTaken or own > 0 then put(KEYS[5], ARGV[3], ARGV[4], ARGV[5], string.format('%.0f', own)) end
return { isTaken and 'taken' or 'full', now, redis.call('HGETALL', KEYS[5]) }
`,
);

/** A hash, as a list of names and values. */
const hash = z.array(z.string());
export const takeReply = z.union([
  z.tuple([z.literal('reset')]),
  z.tuple([z.literal('awaited'), z.number(), z.number()]),
  z.tuple([z.literal('settling'), z.number()]),
  z.tuple([z.literal('day'), z.string()]),
  z.tuple([z.literal('taken'), z.number(), hash]),
  z.tuple([z.literal('full'), z.number(), hash]),
]);

/**
 * Writes facts of a day. KEYS: epoch, meta, log. ARGV: epoch, day, beginning of the keys of counts, then entry, replica id,
 * sequence number and count of each. Returns 0 after a reset, and writes nothing then.
 */
export const MERGE = defineScript(
  'daily.merge',
  `${WRITE}
if not epoch or epoch ~= ARGV[1] then return 0 end
if ARGV[2] ~= today then return 1 end
for i = 4, #ARGV, 4 do put(ARGV[3] .. ARGV[i], ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]) end
return 1
`,
);

/**
 * Awaits the facts of replicas after a reset. Who was awaited already still is, on the same day. KEYS: epoch, meta, gate. ARGV:
 * epoch, replica ids. Returns 0 after another reset.
 */
export const AWAIT = defineScript(
  'daily.await',
  `${TIME}
if not epoch or epoch ~= ARGV[1] then return 0 end
if redis.call('HGET', KEYS[3], 'day') ~= today then redis.call('DEL', KEYS[3]) end
if redis.call('HGET', KEYS[3], 'epoch') ~= epoch then
  local states = redis.call('HGETALL', KEYS[3])
  for i = 1, #states, 2 do
    if states[i + 1] == 'complete' then redis.call('HDEL', KEYS[3], states[i]) end
  end
end
redis.call('HSET', KEYS[3], 'epoch', epoch, 'day', today)
for i = 2, #ARGV do redis.call('HSETNX', KEYS[3], ARGV[i], 'awaited') end
redis.call('PEXPIRE', KEYS[3], ${TTL_MS})
return 1
`,
);

/** Records that a replica has written its facts. KEYS: epoch, gate. ARGV: epoch, replica id. Returns 0 after another reset. */
export const COMPLETE = defineScript(
  'daily.complete',
  `
if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[2], ARGV[2], 'complete')
return 1
`,
);

/**
 * Reads what has changed. KEYS: epoch, meta, log, gate, members. ARGV: epoch, number of the last known change, beginning of the
 * keys of counts, maximum number of counts. Returns whether there was no reset, the day, the number of replicas that are awaited,
 * the replicas that can have taken units since their last heartbeat, the number of the last change read, and counts.
 */
export const SYNC = defineScript(
  'daily.sync',
  `${TIME}${AWAITED('KEYS[4]')}
if not epoch or epoch ~= ARGV[1] then return { 0, today, 0, {}, 0, {} } end
local entries = {}
local version = tonumber(ARGV[2])
if version > tonumber(redis.call('HGET', KEYS[2], 'version') or '0') then version = 0 end -- It has expired, and begins again.
local changes = {}
if redis.call('HGET', KEYS[2], 'day') == today then
  changes = redis.call('ZRANGEBYSCORE', KEYS[3], '(' .. version, '+inf', 'WITHSCORES', 'LIMIT', 0, ARGV[4])
end
for i = 1, #changes, 2 do
  version = tonumber(changes[i + 1])
  table.insert(entries, { changes[i], redis.call('HGETALL', ARGV[3] .. changes[i]) })
end
local active = redis.call('ZRANGEBYSCORE', KEYS[5], now - ${ACTIVE_MS}, '+inf')
return { 1, today, countAwaited(), active, version, entries }
`,
);
export const syncReply = z.tuple([
  z.number(),
  z.string(),
  z.number(),
  z.array(z.string()),
  z.number(),
  z.array(z.tuple([z.string(), hash])),
]);
