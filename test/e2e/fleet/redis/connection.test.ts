import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { startNemesis } from '../../../kit/fleet/nemesis.ts';
import { redisProgram, startRedis } from '../../../kit/fleet/redis-server.ts';
import { startGateway } from '../../../kit/gateway/gateway.ts';
import { startUpstream } from '../../../kit/gateway/upstream.ts';
import { until, untilAsync } from '../../../kit/until.ts';

const ready = async (url: string) => {
  const response = await fetch(new URL('/ready', url));
  return [response.status, await response.text()];
};

describe.skipIf(redisProgram === null)('a replica', () => {
  it('waits with /ready until Redis has answered, and stays ready while Redis is away', async () => {
    await using redis = await startRedis();
    await using nemesis = await startNemesis(redis.port);
    await using upstream = await startUpstream();
    nemesis.mode = 'refuse';
    await using gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl, REDIS_URL: nemesis.url });
    const [status, reason] = await ready(gateway.url);
    expect([status, reason]).toEqual([503, expect.stringContaining('Redis has not answered yet (REDIS_URL)')]);
    nemesis.mode = 'pass';
    await untilAsync(async () => (await ready(gateway.url))[0] === 200);
    nemesis.mode = 'hold';
    await until(() => gateway.log.some(({ msg }) => msg === 'Redis does not answer'));
    expect((await ready(gateway.url))[0]).toBe(200);
    nemesis.mode = 'pass';
    await until(() => gateway.log.filter(({ msg }) => msg === 'Redis answers').length >= 2);
  });

  it.each(['FLUSHALL', 'restart'])('notices that Redis has lost its data: %s', async (loss) => {
    await using redis = await startRedis();
    await using upstream = await startUpstream();
    await using gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl, REDIS_URL: redis.url });
    await until(() => gateway.log.some(({ msg }) => msg === 'Redis answers'));
    if (loss === 'FLUSHALL') {
      await redis.client.flushall();
    } else {
      await redis.kill();
      await redis.start();
    }
    await until(() => gateway.log.some(({ msg }) => msg === 'Redis can have lost data'));
  });

  it('counts the replicas, and forgets one that stops', async () => {
    await using redis = await startRedis();
    await using upstream = await startUpstream();
    const settings = { OPENAI_BASE_URL: upstream.baseUrl, REDIS_URL: redis.url, REDIS_PREFIX: 'counted' };
    const start = () => startGateway(settings);
    await using _first = await start();
    const second = await start();
    await untilAsync(async () => (await redis.client.zcard('counted:members')) === 2);
    await second[Symbol.asyncDispose]();
    expect(await redis.client.zcard('counted:members')).toBe(1);
  });

  it('authenticates as the user of REDIS_URL, with the rights of docs/fleet.md; no log line has the password', async () => {
    const password = 'a-password-of-the-test';
    const [, rights = ''] =
      /^- A user needs .*`user gateway on >password ([^`]+)`/m.exec(readFileSync('docs/fleet.md', 'utf8')) ?? [];
    const account = ['--user', 'gateway', 'on', `>${password}`, ...rights.split(' ')];
    await using redis = await startRedis({ args: [...account, '--user', 'default', 'off'] });
    await using upstream = await startUpstream();
    const url = `redis://gateway:${password}@127.0.0.1:${redis.port}`;
    await using gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl, REDIS_URL: url });
    await until(() => gateway.log.some(({ msg }) => msg === 'Redis answers'));
  });
});
