import { defineScript } from '../connection/script.ts';
import { MAX_ENTRIES } from './watch-keys.ts';

// The scripts of the watched jobs. Revisions are microseconds of Redis' clock, so that those after a loss of data are greater.

/**
 * Accepts an observation of a job, by the rule of `acceptance.ts`, and appends it to the log of its scope. In the mode
 * `restore`, `expected` is the revision to write again, unless there is a later one.
 *
 * KEYS: epoch, job, log, meta. ARGV: epoch, mode, job id, expected revision or '', status, '1' if terminal, digest, body or ''
 * for no such job, cause, milliseconds of its response, replica, number of the offer, maximum entries, TTL in milliseconds.
 * Returns its kind; the revision; and for a refused one the body, cause and milliseconds of the stored observation.
 */
export const OFFER = defineScript(
  'watch.offer',
  `
local epoch, mode, id, expected, status, terminal, digest, body = unpack(ARGV, 1, 8)
local ttl = ARGV[14]
if redis.call('HGET', KEYS[1], 'epoch') ~= epoch then return { 'reset' } end
local stored = redis.call('HMGET', KEYS[2], 'revision', 'status', 'terminal', 'digest', 'body', 'cause', 'at')
local revision = stored[1]
local function refuse() return { 'refused', revision, stored[5], stored[6], stored[7] } end
local time = redis.call('TIME')
local next = time[1] * 1000000 + time[2]
if mode == 'restore' then
  if revision and tonumber(revision) >= tonumber(expected) then return refuse() end
  next = tonumber(expected)
else
  if revision then
    if body ~= '' and stored[4] == digest then
      redis.call('PEXPIRE', KEYS[2], ttl)
      return { 'unchanged', revision }
    end
    if body ~= '' and stored[3] == '1' and stored[2] ~= status then return refuse() end
    if revision ~= expected then return refuse() end
    next = math.max(next, tonumber(revision) + 1)
  end
  if expected ~= '' then next = math.max(next, tonumber(expected) + 1) end
end
local text = string.format('%.0f', next)
if body == '' then
  redis.call('DEL', KEYS[2])
else
  redis.call('HSET', KEYS[2], 'revision', text, 'status', status, 'terminal', terminal, 'digest', digest,
    'body', body, 'cause', ARGV[9], 'at', ARGV[10])
  redis.call('PEXPIRE', KEYS[2], ttl)
end
local count = redis.call('HINCRBY', KEYS[4], 'counted', 1)
redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[13], '*', 'kind', 'job', 'id', id, 'revision', text, 'body', body,
  'cause', ARGV[9], 'at', ARGV[10], 'replica', ARGV[11], 'offer', ARGV[12], 'count', count)
redis.call('PEXPIRE', KEYS[3], ttl)
redis.call('PEXPIRE', KEYS[4], ttl)
return { 'accepted', text }
`,
);

/**
 * A replica's part in a scope, every few seconds: it keeps or takes the lease, keeps its interest, and adds to it. The replica
 * with the lease gets the interest of the others if that has changed.
 *
 * KEYS: lease, members, log, meta, interest of this replica. ARGV: replica, milliseconds of the lease, milliseconds until a
 * replica counts as gone, TTL in milliseconds, known version of the interest, number of topics to add, these topics, topics to
 * remove. Returns 1 with the lease; 1 if it was another's until it expired; version; number of topics of this replica; last entry
 * of the log; number of counted entries; whether topics follow; the topics of others. The interest of another replica is below the
 * key of this one's, with another id at its end.
 */
export const TAKE_PART = defineScript(
  'watch.take_part',
  `
local me, ttl = ARGV[1], ARGV[4]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local adds, changes = tonumber(ARGV[6]), 0
for i = 7, 6 + adds do changes = changes + redis.call('SADD', KEYS[5], ARGV[i]) end
for i = 7 + adds, #ARGV do changes = changes + redis.call('SREM', KEYS[5], ARGV[i]) end
redis.call('PEXPIRE', KEYS[5], ARGV[3])
redis.call('ZADD', KEYS[2], now, me)
redis.call('PEXPIRE', KEYS[2], ttl)
local gone = redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - ARGV[3])
if changes + gone > 0 then redis.call('HINCRBY', KEYS[4], 'interest', 1) end
local holder, taken = redis.call('GET', KEYS[1]), 0
if holder == me then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
elseif not holder then
  redis.call('SET', KEYS[1], me, 'PX', ARGV[2])
  local before = redis.call('HGET', KEYS[4], 'holder')
  if before and before ~= me then taken = 1 end
  redis.call('HSET', KEYS[4], 'holder', me)
  holder = me
elseif changes > 0 then
  redis.call('XADD', KEYS[3], 'MAXLEN', '~', ${MAX_ENTRIES}, '*', 'kind', 'interest')
end
redis.call('PEXPIRE', KEYS[3], ttl)
redis.call('PEXPIRE', KEYS[4], ttl)
local meta = redis.call('HMGET', KEYS[4], 'interest', 'counted')
local version = meta[1] or '0'
local last = redis.call('XREVRANGE', KEYS[3], '+', '-', 'COUNT', 1)
local reply = { holder == me and 1 or 0, taken, version, redis.call('SCARD', KEYS[5]),
  last[1] and last[1][1] or '0-0', tonumber(meta[2] or '0'), 0 }
if holder == me and version ~= ARGV[5] then
  reply[7] = 1
  local base = string.sub(KEYS[5], 1, #KEYS[5] - #me)
  for _, replica in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
    if replica ~= me then
      for _, id in ipairs(redis.call('SMEMBERS', base .. replica)) do reply[#reply + 1] = id end
    end
  end
end
return reply
`,
);

/** Ends a replica's part in a scope. KEYS as TAKE_PART. ARGV: replica. */
export const LEAVE_SCOPE = defineScript(
  'watch.leave_scope',
  `
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('DEL', KEYS[5])
redis.call('HINCRBY', KEYS[4], 'interest', 1)
local isHolder = redis.call('GET', KEYS[1]) == ARGV[1]
if isHolder then
  redis.call('DEL', KEYS[1])
  redis.call('HDEL', KEYS[4], 'holder')
end
if redis.call('ZCARD', KEYS[2]) == 0 then
  redis.call('DEL', KEYS[4], KEYS[3])
else
  redis.call('XADD', KEYS[3], 'MAXLEN', '~', ${MAX_ENTRIES}, '*', 'kind', isHolder and 'lease' or 'interest')
end
return 1
`,
);

/**
 * Finds the jobs whose accepted observation differs from the known one. Keeps the others from expiring.
 * KEYS: jobs. ARGV: TTL in milliseconds, known revisions. Returns index, revision, body, cause and milliseconds of each.
 */
export const COMPARE = defineScript(
  'watch.compare',
  `
local reply = {}
for i, key in ipairs(KEYS) do
  local stored = redis.call('HMGET', key, 'revision', 'body', 'cause', 'at')
  if stored[1] then
    redis.call('PEXPIRE', key, ARGV[1])
    if stored[1] ~= ARGV[i + 1] then reply[#reply + 1] = { i - 1, stored[1], stored[2], stored[3], stored[4] } end
  end
end
return reply
`,
);

/**
 * Appends events, and removes old entries. KEYS: log, meta. ARGV: TTL in milliseconds, maximum entries, maximum age of entries in
 * milliseconds, names and values.
 */
export const ADD_EVENTS = defineScript(
  'watch.add_events',
  `
local time = redis.call('TIME')
local oldest = time[1] * 1000 + math.floor(time[2] / 1000) - ARGV[3]
local count = redis.call('HINCRBY', KEYS[2], 'counted', 1)
redis.call('XTRIM', KEYS[1], 'MINID', '~', string.format('%.0f', oldest))
redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[2], '*', 'count', count, unpack(ARGV, 4))
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return redis.call('PEXPIRE', KEYS[2], ARGV[1])
`,
);

/** Appends an entry that is not counted. KEYS: log. ARGV: TTL in milliseconds, maximum entries, names and values. */
export const TELL = defineScript(
  'watch.tell',
  `
redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[2], '*', unpack(ARGV, 3))
return redis.call('PEXPIRE', KEYS[1], ARGV[1])
`,
);
