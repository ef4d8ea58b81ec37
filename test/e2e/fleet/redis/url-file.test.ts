import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { jobBody } from '../../../kit/bodies/job.ts';
import { openSse } from '../../../kit/client/sse.ts';
import { redisProgram, startRedis } from '../../../kit/fleet/redis-server.ts';
import { startGateway } from '../../../kit/gateway/gateway.ts';
import { startUpstream } from '../../../kit/gateway/upstream.ts';
import { makeFolder, replaceFile } from '../../../kit/process/folder.ts';
import { until, untilAsync } from '../../../kit/until.ts';

const JOB = 'ftjob-1';
const query = `subscription { fineTuningJobStatusChanged(jobId: "${JOB}") { status } }`;
const RIGHTS = ['~finetune:*', '+@all', '-@dangerous', '+info'];

describe.skipIf(redisProgram === null)('the file of REDIS_URL', () => {
  it('changes the password of the next connections, while streams stay open', async () => {
    await using redis = await startRedis();
    const setPassword = (...passwords: readonly string[]) =>
      redis.client.call('ACL', 'SETUSER', 'gateway', 'on', 'resetpass', ...passwords.map((p) => `>${p}`), ...RIGHTS);
    const urlWith = (password: string) => `redis://gateway:${password}@127.0.0.1:${redis.port}`;
    await setPassword('the-old-one');
    await using upstream = await startUpstream();
    upstream.onJob(jobBody({ id: JOB, status: 'queued' }));
    const file = join(makeFolder({ url: urlWith('the-old-one') }), 'url');
    const settings = { OPENAI_BASE_URL: upstream.baseUrl, REDIS_URL_FILE: file, POLL_INTERVAL_MS: '300' };
    await using gateway = await startGateway(settings);
    const linesOf = (text: string) => gateway.log.filter(({ msg }) => msg === text);
    await until(() => linesOf('Redis answers').length === 1);
    const stream = await openSse(gateway.url, { query });
    const status = async () => Object(await stream.result()).data.fineTuningJobStatusChanged.status;
    expect(await status()).toBe('QUEUED');

    await setPassword('the-old-one', 'the-new-one');
    const reads = gateway.log.length;
    replaceFile(file, urlWith('the-new-one'));
    await until(() => gateway.log.slice(reads).some((line) => JSON.stringify(line).includes('REDIS_URL_FILE')));
    await setPassword('the-new-one'); // Open connections keep their rights.
    await redis.client.call('CLIENT', 'KILL', 'USER', 'gateway');
    await until(() => linesOf('Redis answers').length === 2);
    upstream.onJob(jobBody({ id: JOB, status: 'running' }));
    expect(await status()).toBe('RUNNING');
    const connections = async () => String(await redis.client.client('LIST')).match(/user=gateway/g)?.length;
    await untilAsync(async () => (await connections()) === 2); // One for commands, one for logs.
    stream.close();
  });
});
