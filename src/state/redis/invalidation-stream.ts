import { z } from 'zod';
import type { Invalidation } from '../invalidations.ts';
import type { LogEntry } from './connection/log-reader.ts';
import { defineScript } from './connection/script.ts';

/**
 * Appends changes, and trims the stream to about 10,000 entries and to one minute. The numbers go on when the stream is gone.
 *
 * KEYS: stream, counter. ARGV: replica id, changes.
 */
export const PUBLISH = defineScript(
  'invalidations.publish',
  `
local time = redis.call('TIME')
for i = 2, #ARGV do
  local serial = redis.call('INCR', KEYS[2])
  redis.call('XADD', KEYS[1], 'MAXLEN', '~', 10000, '*', 'serial', serial, 'replica', ARGV[1], 'change', ARGV[i])
end
return redis.call('XTRIM', KEYS[1], 'MINID', '~', string.format('%d', (time[1] - 60) * 1000))
`,
);

/** Returns the id of the last entry, and its number. KEYS: stream, counter. */
export const LOCATE = defineScript(
  'invalidations.locate',
  `
local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
return { last[1] and last[1][1] or '0-0', tonumber(redis.call('GET', KEYS[2]) or 0) }
`,
);

/** The reply of LOCATE. */
export const location = z.tuple([z.string(), z.number()]);

const change = z.object({ scope: z.string().nullable(), noun: z.string(), id: z.string() });

const number = z.coerce.number().int();

/** Reads the number of an entry. Throws when it has none. */
export const serialOf = (entry: LogEntry): number => number.parse(entry.get('serial'));

/** Reads the change of an entry. Throws when another version has written what this one cannot read. */
export const readChange = (entry: LogEntry): Invalidation => change.parse(JSON.parse(entry.get('change') ?? ''));
