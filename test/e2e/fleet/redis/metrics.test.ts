import { describe, expect, it } from 'vitest';
import { jobBody } from '../../../kit/bodies/job.ts';
import { openSse } from '../../../kit/client/sse.ts';
import { startNemesis } from '../../../kit/fleet/nemesis.ts';
import { startOldRedis } from '../../../kit/fleet/old-redis.ts';
import { redisProgram } from '../../../kit/fleet/redis-server.ts';
import { startUpstream, writeResponse } from '../../../kit/gateway/upstream.ts';
import { NO_CACHE } from '../../../kit/gateway/world.ts';
import { EXAMPLES, mutate } from '../../../kit/mutation/examples.ts';
import { freePort } from '../../../kit/process/free-port.ts';
import { type GatewayProcess, startGatewayProcess } from '../../../kit/process/gateway-process.ts';
import { type Scrape, scrape } from '../../../kit/telemetry/scrape.ts';
import { untilAsync } from '../../../kit/until.ts';

const JOB = 'ftjob-1';
const CHANGES = `subscription { fineTuningJobStatusChanged(jobId: "${JOB}") { status } }`;
const KEYED = { ...EXAMPLES['createFineTuningJob']?.input, idempotencyKey: 'a-key-of-the-test' };

interface Replica extends GatewayProcess {
  scrape(): Promise<Scrape>;
}

/** Two replicas as processes: channels of events are per process. */
async function startWorld() {
  await using opened = new AsyncDisposableStack();
  const redis = opened.use(await startOldRedis());
  const nemesis = opened.use(await startNemesis(redis.port));
  const upstream = opened.use(await startUpstream());
  const job = jobBody({ id: JOB, status: 'running' });
  upstream.onJob(job);
  upstream.on(`/fine_tuning/jobs/${JOB}/cancel`, job);
  upstream.on('/fine_tuning/jobs', ({ method = '' }, response: Parameters<typeof writeResponse>[0]) => {
    writeResponse(response, 200, method === 'POST' ? job : { object: 'list', data: [], has_more: false });
  });
  const start = async (): Promise<Replica> => {
    const port = String(await freePort());
    const settings = { REDIS_URL: nemesis.url, METRICS_PORT: port, ALLOW_MUTATIONS: 'on', ...NO_CACHE };
    const replica = opened.use(await startGatewayProcess(upstream.baseUrl, settings));
    return { ...replica, scrape: () => scrape(`http://127.0.0.1:${port}/metrics`) };
  };
  const [first, second] = [await start(), await start()];
  for (const replica of [first, second]) {
    await untilAsync(async () => (await replica.scrape()).value('finetune_fleet_replicas') === 2);
  }
  const parts = opened.move();
  return { redis, nemesis, upstream, first, second, [Symbol.asyncDispose]: () => parts.disposeAsync() };
}

const change = (replica: Replica, mutation: string, input: object) => mutate(replica.url, 'none', mutation, input);

describe.skipIf(redisProgram === null)('metrics of a replica', () => {
  it('count scripts, reservations, granted calls, changes told and followed, and leases', async () => {
    await using world = await startWorld();
    const { first, second } = world;
    const stream = await openSse(first.url, { query: CHANGES });
    await stream.result();
    await change(first, 'createFineTuningJob', KEYED);
    await change(second, 'createFineTuningJob', KEYED);
    await change(first, 'cancelFineTuningJob', { jobId: JOB });
    await untilAsync(async () => (await second.scrape()).value('finetune_fleet_invalidation_delay_count') >= 2);
    await untilAsync(async () => (await first.scrape()).value('finetune_fleet_invalidations_sent_total') >= 2);
    const [one, other] = [await first.scrape(), await second.scrape()];
    expect([one.value('finetune_fleet_available'), one.value('finetune_fleet_leases')]).toEqual([1, 1]);
    expect(other.value('finetune_fleet_reservations_total', { finetune_outcome: 'made' })).toBe(1);
    expect(one.value('finetune_fleet_reservations_total', { finetune_outcome: 'reserved' })).toBe(1);
    expect(one.value('finetune_fleet_granted_calls_total')).toBeGreaterThan(0);
    const reserve = { finetune_script: 'ledger.reserve', finetune_outcome: 'ok' };
    expect(one.value('finetune_fleet_command_duration_count', reserve)).toBe(
      one.value('finetune_fleet_reservations_total'),
    );
    expect(one.value('finetune_fleet_outages_total')).toBe(0);
    expect(one.samples.some(({ name }) => name === 'finetune_fleet_outages_total')).toBe(true);
    expect(one.text).not.toMatch(/ftjob-|a-key-of|test-key/);
    stream.close();
  });

  it('show an outage: time-outs, refused creates, reconnections', async () => {
    await using world = await startWorld();
    const { first, nemesis } = world;
    nemesis.mode = 'hold';
    await change(first, 'createFineTuningJob', KEYED);
    const away = await first.scrape();
    expect(away.value('finetune_fleet_available')).toBe(0);
    expect(away.value('finetune_fleet_outages_total')).toBeGreaterThan(0);
    expect(away.value('finetune_fleet_reservations_total', { finetune_outcome: 'refused' })).toBe(1);
    expect(away.value('finetune_fleet_command_duration_count', { finetune_outcome: 'timeout' })).toBeGreaterThan(0);
    const refused = { finetune_mutation: 'createFineTuningJob', finetune_outcome: 'Unavailable' };
    expect(away.value('finetune_mutations_total', refused)).toBe(1);
    nemesis.mode = 'refuse';
    nemesis.mode = 'pass';
    await untilAsync(async () => {
      const back = await first.scrape();
      const reconnects = (connection: string) =>
        back.value('finetune_fleet_reconnects_total', { finetune_connection: connection });
      return back.value('finetune_fleet_available') === 1 && reconnects('commands') > 0 && reconnects('logs') > 0;
    });
  });

  it('count what it cannot read, and the block of a 429', async () => {
    await using world = await startWorld();
    const { first, upstream, redis } = world;
    await redis.client.xadd('finetune:invalidations', '*', 'a', 'b');
    upstream.on('/fine_tuning/jobs', (_: unknown, response: Parameters<typeof writeResponse>[0]) => {
      response.setHeader('retry-after', '1');
      writeResponse(response, 429, { error: { message: 'slow down' } });
    });
    await first.query('{ fineTuningJobs(first: 1) { nodes { id } } }');
    await untilAsync(async () => {
      const metrics = await first.scrape();
      const about = { finetune_kind: 'invalidations' };
      return (
        metrics.value('finetune_fleet_unreadable_total', about) === 1 &&
        metrics.value('finetune_fleet_gaps_total', about) === 1 &&
        metrics.value('finetune_fleet_blocks_total', { finetune_calls: 'all' }) === 1
      );
    });
  });

  it('are missing without REDIS_URL', async () => {
    await using upstream = await startUpstream();
    const port = String(await freePort());
    await using _gateway = await startGatewayProcess(upstream.baseUrl, { METRICS_PORT: port });
    expect((await scrape(`http://127.0.0.1:${port}/metrics`)).text).not.toContain('finetune_fleet');
  });
});
