import { defineScript } from './script.ts';

/**
 * Runs each command of the other scripts once. Fails with the name of a command that the user may not run, or that the server
 * does not know. Leaves nothing behind.
 *
 * KEYS: string, hash, set, sorted set, stream; none exists.
 */
export const CHECK = defineScript(
  'fleet.check',
  `
local text, hash, set, sorted, stream = unpack(KEYS)
local commands = {
  { 'TIME' }, { 'SET', text, 1 }, { 'GET', text }, { 'INCR', text }, { 'PTTL', text },
  { 'EXPIRE', text, 60 }, { 'PEXPIRE', text, 60000 }, { 'PEXPIREAT', text, 99999999999999 },
  { 'HSET', hash, 'a', 1 }, { 'HSETNX', hash, 'b', 1 }, { 'HINCRBY', hash, 'a', 1 }, { 'HGET', hash, 'a' },
  { 'HMGET', hash, 'a', 'b' }, { 'HGETALL', hash }, { 'HVALS', hash }, { 'HDEL', hash, 'b' },
  { 'SADD', set, 'a' }, { 'SCARD', set }, { 'SMEMBERS', set }, { 'SREM', set, 'a' },
  { 'ZADD', sorted, 1, 'a' }, { 'ZCARD', sorted }, { 'ZCOUNT', sorted, 0, 1 }, { 'ZSCORE', sorted, 'a' },
  { 'ZRANGE', sorted, 0, 1, 'BYSCORE' }, { 'ZRANGEBYSCORE', sorted, 0, 1 }, { 'ZREMRANGEBYRANK', sorted, 5, 6 },
  { 'ZREMRANGEBYSCORE', sorted, 5, 6 }, { 'ZREM', sorted, 'a' },
  { 'XADD', stream, '*', 'a', 1 }, { 'XREVRANGE', stream, '+', '-', 'COUNT', 1 }, { 'XTRIM', stream, 'MINID', 1 },
}
for _, command in ipairs(commands) do
  local reply = redis.pcall(unpack(command))
  if type(reply) == 'table' and reply.err then
    redis.pcall('DEL', unpack(KEYS))
    return redis.error_reply(command[1] .. ': ' .. reply.err)
  end
end
return redis.call('DEL', unpack(KEYS))
`,
);
