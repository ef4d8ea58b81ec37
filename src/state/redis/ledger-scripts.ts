import { z } from 'zod';
import { defineScript } from './connection/script.ts';

// A key of the ledger is a hash. `job` and `request`: the job, which never changes. `owner`, `until` and, once the create was
// announced, `sent`: the reservation. `unknown`: when the outcome of the last create became unknown. Times are those of Redis.

const NOW = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`;

/**
 * Reserves keys. A reservation that has expired after `sent` leaves an unknown outcome. After a loss of data (see HEARTBEAT)
 * a create can have been under way for each key, until the longest create has ended. In a young epoch the replicas that know
 * of a loss may not have told it yet.
 *
 * KEYS: epoch, keys. ARGV: token, milliseconds of the lease, of a create, of the age from which an epoch counts, and until an
 * unused key is removed. Returns 'made', index, job, request; or 'pending', milliseconds; or 'reserved', epoch, milliseconds
 * since the outcome is unknown or null, 1 for a loss.
 */
export const RESERVE = defineScript(
  'ledger.reserve',
  `${NOW}
local waitMs, since, unknown, isLoss = 0, {}, false, 0
for i = 2, #KEYS do
  local entry = redis.call('HMGET', KEYS[i], 'job', 'request', 'owner', 'until', 'sent', 'unknown')
  if entry[1] then return { 'made', i - 2, entry[1], entry[2] } end
  if entry[6] then since[i] = tonumber(entry[6]) end
  if entry[3] then
    local expiry = tonumber(entry[4])
    if expiry > now then waitMs = math.max(waitMs, expiry - now) end
    if entry[5] then since[i] = math.max(since[i] or 0, expiry) end
  end
  if since[i] then unknown = math.max(unknown or 0, since[i]) end
end
if waitMs > 0 then return { 'pending', waitMs } end
local fleet = redis.call('HMGET', KEYS[1], 'epoch', 'lost')
if not fleet[1] then return { 'pending', tonumber(ARGV[4]) } end
if fleet[2] then
  local lost = tonumber(fleet[2]) + ARGV[3]
  if lost > (unknown or 0) then unknown, isLoss = lost, 1 end
else
  local age = now - tonumber(string.match(fleet[1], '^%d+')) * 1000
  if age < tonumber(ARGV[4]) then return { 'pending', ARGV[4] - age } end
end
for i = 2, #KEYS do
  redis.call('HDEL', KEYS[i], 'sent')
  redis.call('HSET', KEYS[i], 'owner', ARGV[1], 'until', now + ARGV[2])
  if since[i] then redis.call('HSET', KEYS[i], 'unknown', since[i]) end
  redis.call('PEXPIRE', KEYS[i], ARGV[2] + ARGV[5])
end
return { 'reserved', fleet[1], unknown and now - unknown, isLoss }
`,
);

export const reserveReply = z.union([
  z.tuple([z.literal('made'), z.number(), z.string(), z.string()]),
  z.tuple([z.literal('pending'), z.number()]),
  z.tuple([z.literal('reserved'), z.string(), z.number().nullable(), z.number()]),
]);

/**
 * Extends a reservation, unless another has a key or data were lost since: a restored key can have an owner of before. A
 * renewal that arrives after the announcement of the create changes nothing.
 *
 * KEYS: epoch, keys. ARGV: token, epoch of the reservation, milliseconds of the lease, until an unused key is removed, 1 if
 * the create is sent now. Returns 1 if the reservation holds.
 */
export const EXTEND = defineScript(
  'ledger.extend',
  `${NOW}
if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[2] then return 0 end
for i = 2, #KEYS do
  if redis.call('HGET', KEYS[i], 'owner') ~= ARGV[1] then return 0 end
end
if ARGV[5] ~= '1' and redis.call('HGET', KEYS[2], 'sent') then return 1 end
for i = 2, #KEYS do
  redis.call('HSET', KEYS[i], 'until', now + ARGV[3])
  if ARGV[5] == '1' then redis.call('HSET', KEYS[i], 'sent', 1) end
  redis.call('PEXPIRE', KEYS[i], ARGV[3] + ARGV[4])
end
return 1
`,
);

/**
 * Records the outcome of a create, and ends its reservation. The first job of a key stays.
 *
 * KEYS: keys. ARGV: token, outcome, position of its key (from 1), job, request, milliseconds until a job is removed.
 */
export const SETTLE = defineScript(
  'ledger.settle',
  `${NOW}
for i = 1, #KEYS do
  if redis.call('HGET', KEYS[i], 'owner') == ARGV[1] then
    if ARGV[2] == 'unknown' and i == tonumber(ARGV[3]) then redis.call('HSET', KEYS[i], 'unknown', now) end
    redis.call('HDEL', KEYS[i], 'owner', 'until', 'sent')
  end
end
if ARGV[2] == 'made' then
  local key = KEYS[tonumber(ARGV[3])]
  if redis.call('HSETNX', key, 'job', ARGV[4]) == 1 then redis.call('HSET', key, 'request', ARGV[5]) end
  redis.call('PEXPIRE', key, ARGV[6])
end
return 1
`,
);
