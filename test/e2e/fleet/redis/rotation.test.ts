import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { jobBody } from '../../../kit/bodies/job.ts';
import { openSse, type SseStream } from '../../../kit/client/sse.ts';
import { startFleet } from '../../../kit/fleet/fleet.ts';
import { redisProgram, startRedis } from '../../../kit/fleet/redis-server.ts';
import { startUpstream } from '../../../kit/gateway/upstream.ts';
import { makeFolder, replaceFile } from '../../../kit/process/folder.ts';
import { canMeasureProcesses } from '../../../kit/process/gateway-process.ts';
import { untilAsync } from '../../../kit/until.ts';

const ID = 'ftjob-rotated';
const query = `subscription { fineTuningJobStatusChanged(jobId: "${ID}") { status } }`;
/** Two values of each secret: before and after. */
const KEYS = ['test-upstream-key-one', 'test-upstream-key-two'] as const;
const PASSWORDS = ['test-redis-password-one', 'test-redis-password-two'] as const;

const statusOf = async (stream: SseStream) =>
  ((await stream.result()) as { data?: { fineTuningJobStatusChanged: { status: string } } } | undefined)?.data
    ?.fineTuningJobStatusChanged.status;

describe.skipIf(redisProgram === null || !canMeasureProcesses)('three running replicas', () => {
  it('get another upstream key and another password of Redis, and subscribers get each change', async () => {
    await using redis = await startRedis();
    const allow = (password: string) =>
      redis.client.acl('SETUSER', 'gateway', 'on', `>${password}`, '~finetune:*', '+@all', '-@dangerous', '+info');
    await allow(PASSWORDS[0]);
    await using upstream = await startUpstream();
    const show = (status: string) => upstream.onJob(jobBody({ id: ID, status }));
    show('queued');
    const urlWith = (password: string) => `redis://gateway:${password}@127.0.0.1:${redis.port}`;
    const folder = makeFolder({ key: KEYS[0], url: urlWith(PASSWORDS[0]) });
    const [keyFile, urlFile] = [join(folder, 'key'), join(folder, 'url')];
    const settings = {
      OPENAI_API_KEY: '',
      OPENAI_API_KEY_FILE: keyFile,
      REDIS_URL: '',
      REDIS_URL_FILE: urlFile,
      FLEET_SECRET: 'a-secret-of-the-test-with-enough-characters',
      POLL_INTERVAL_MS: '200',
    };
    await using fleet = await startFleet(upstream.baseUrl, '', settings);
    const subscribe = () => Promise.all(fleet.urls.map((url) => openSse(url, { query })));
    const before = await subscribe();
    expect(await Promise.all(before.map(statusOf))).toEqual(Array(3).fill('QUEUED'));

    await allow(PASSWORDS[1]);
    replaceFile(keyFile, KEYS[1]);
    replaceFile(urlFile, urlWith(PASSWORDS[1]));
    for (const replica of fleet.replicas) replica.signal('SIGHUP');
    for (const stream of before) await expect(statusOf(stream)).rejects.toThrow('terminated'); // Clients connect again.
    const calls = upstream.calls.length;
    const streams = await subscribe();
    expect(await Promise.all(streams.map(statusOf))).toEqual(Array(3).fill('QUEUED'));
    show('running');
    expect(await Promise.all(streams.map(statusOf))).toEqual(Array(3).fill('RUNNING'));

    await redis.client.acl('SETUSER', 'gateway', `<${PASSWORDS[0]}`);
    await redis.client.client('KILL', 'USER', 'gateway');
    await untilAsync(async () => String(await redis.client.client('LIST')).split('cmd=xread').length - 1 >= 3);
    show('succeeded');
    expect(await Promise.all(streams.map(statusOf))).toEqual(Array(3).fill('SUCCEEDED'));
    const keys = new Set(upstream.calls.slice(calls).map(({ authorization }) => authorization));
    expect([...keys]).toEqual([`Bearer ${KEYS[1]}`]);
    for (const { output } of fleet.replicas) expect(output.text).not.toContain('test-redis-password');
  });
});
