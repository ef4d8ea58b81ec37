import { Redis } from 'ioredis';
import type { Clock } from '../../../clock.ts';
import { CHECK } from './check-script.ts';
import { findWarnings, parseServerInfo } from './server-info.ts';

/** The result of trying a server. `warnings` are sentences. */
export type RedisReport =
  | { readonly server: string; readonly version: string; readonly ms: number; readonly warnings: readonly string[] }
  | { readonly problem: string };

const TIMEOUT_MS = 5000;

/** Connects once, asks for the version, and runs each command on keys below the prefix. Leaves nothing behind. */
export async function checkRedis(url: string, prefix: string, clock: Clock): Promise<RedisReport> {
  const client = new Redis(url, {
    lazyConnect: true,
    connectTimeout: TIMEOUT_MS,
    commandTimeout: TIMEOUT_MS,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
  });
  let problem: string | undefined;
  client.on('error', ({ message }) => {
    problem ??= message; // The error of the connection; `connect` rejects without it.
  });
  const startedAt = clock.now();
  try {
    await client.connect();
    const info = parseServerInfo(await client.info());
    const ms = clock.now() - startedAt;
    const name = `${prefix}:check:${crypto.randomUUID()}`;
    const keys = ['text', 'hash', 'set', 'sorted', 'stream'].map((kind) => `${name}:${kind}`);
    await client.eval(CHECK.lua, keys.length, ...keys);
    await client.evalsha(CHECK.sha, keys.length, ...keys);
    await client.xread('STREAMS', `${name}:stream`, '0');
    return { ...info, ms, warnings: findWarnings(info) };
  } catch (error) {
    return { problem: problem ?? (error instanceof Error ? error.message : String(error)) };
  } finally {
    client.disconnect();
  }
}
