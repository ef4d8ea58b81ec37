import { describe, expect, it } from 'vitest';
import { redisProgram, startRedis } from '../../../kit/fleet/redis-server.ts';
import { freePort } from '../../../kit/process/free-port.ts';
import { startScript } from '../../../kit/process/process.ts';

/** `npm start -- --check`, to its end. */
async function check(settings: Record<string, string>) {
  await using process = startScript('src/main.ts', ['--check'], settings);
  const code = await process.ended;
  return { code, text: process.output.text };
}

const urlOf = (port: number, password: string) => `redis://gateway:${password}@127.0.0.1:${port}`;
/** A Redis with a user `gateway` that has these rights, and no other. */
const startWithUser = (rights: string) =>
  startRedis({ args: ['--user', 'gateway', 'on', '>a-password', ...rights.split(' '), '--user', 'default', 'off'] });

describe.skipIf(redisProgram === null)('--check with REDIS_URL', () => {
  it('names the server, its version and its policy, and leaves no key', async () => {
    await using redis = await startRedis({ args: ['--maxmemory', '100mb', '--maxmemory-policy', 'allkeys-lru'] });
    const { code, text } = await check({ REDIS_URL: redis.url });
    expect(text).toMatch(/^Redis: (Redis|Valkey) \d+\.\S+ at 127\.0\.0\.1:\d+ answered after \d+ ms\.$/m);
    expect(text).toContain('Warning: Redis: maxmemory-policy is allkeys-lru, which loses counts and keys.');
    expect([code, await redis.client.dbsize()]).toEqual([0, 0]);
  });

  it('names a wrong password, without showing it', async () => {
    await using redis = await startWithUser('~finetune:* +@all -@dangerous +info');
    const { code, text } = await check({ REDIS_URL: urlOf(redis.port, 'another-password') });
    expect([code, text]).toEqual([
      1,
      expect.stringMatching(/^Redis: 127\S+ cannot be used: WRONGPASS .* REDIS_URL\.$/m),
    ]);
    expect(text).not.toContain('another-password');
  });

  it.each([
    ['zadd', '~finetune:* +@all -@dangerous +info -zadd', /zadd/i],
    ['xread', '~finetune:* +@all -@dangerous +info -xread', /xread/i],
    ['info', '~finetune:* +@all -@dangerous', /info/i],
    ['keys of the prefix', '~other:* +@all -@dangerous +info', /No permissions to access a key|can't access|key/i],
  ])('names a right that is missing: %s', async (_, rights, problem) => {
    await using redis = await startWithUser(rights);
    const { code, text } = await check({ REDIS_URL: urlOf(redis.port, 'a-password') });
    const [line = ''] = /^Redis: .*$/m.exec(text) ?? [];
    expect([code, line]).toEqual([1, expect.stringMatching(problem)]);
    expect(line).toContain('cannot be used');
  });

  it('names a server that cannot be reached', async () => {
    const port = await freePort();
    const { code, text } = await check({ REDIS_URL: `redis://127.0.0.1:${port}` });
    expect([code, text]).toEqual([1, expect.stringContaining('ECONNREFUSED')]);
  });
});
