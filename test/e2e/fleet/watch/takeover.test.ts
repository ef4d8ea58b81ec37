import { afterEach, describe, expect, it } from 'vitest';
import { jobBody } from '../../../kit/bodies/job.ts';
import { openSse, type SseStream } from '../../../kit/client/sse.ts';
import { redisProgram, startRedis } from '../../../kit/fleet/redis-server.ts';
import { startUpstream } from '../../../kit/gateway/upstream.ts';
import { canMeasureProcesses, type GatewayProcess, startGatewayProcess } from '../../../kit/process/gateway-process.ts';
import { createGrowingLog } from '../../../kit/store/growing-log.ts';
import { until } from '../../../kit/until.ts';

const TAKEOVER_MS = 25_000;
const ID = 'ftjob-taken-over';
const query = `subscription { fineTuningJobStatusChanged(jobId: "${ID}") { status previousStatus } }`;
const EVENTS = `subscription ($since: ID) { fineTuningJobEventAdded(jobId: "${ID}", since: $since) { event { id } } }`;
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
});

async function startFleet() {
  const redis = await startRedis();
  const upstream = await startUpstream();
  cleanups.push(
    () => redis[Symbol.asyncDispose](),
    () => upstream[Symbol.asyncDispose](),
  );
  const settings = { REDIS_URL: redis.url, POLL_INTERVAL_MS: '300' };
  const start = async () => {
    const gateway = await startGatewayProcess(upstream.baseUrl, settings);
    cleanups.push(() => {
      gateway.signal('SIGCONT');
      return gateway[Symbol.asyncDispose]();
    });
    await until(() => gateway.output.text.includes('Redis answers'));
    return gateway;
  };
  const polled = await start();
  const others = await Promise.all([start(), start()]);
  upstream.onJob(jobBody({ id: ID, status: 'queued' }));
  const log = createGrowingLog(upstream, ID);
  const [first = ''] = log.grow(1);
  const streams: SseStream[] = [];
  for (const gateway of [polled, ...others]) streams.push(await subscribe(gateway)); // The first one polls.
  const logs = await Promise.all(others.map((gateway) => readLog(gateway, first)));
  return {
    upstream,
    polled,
    streams,
    log,
    logs,
    polls: () => upstream.calls.filter(({ target }) => target.endsWith(ID)).length,
  };
}

async function subscribe(gateway: GatewayProcess): Promise<SseStream> {
  const stream = await openSse(gateway.url, { query });
  cleanups.push(() => stream.close());
  expect(await changeOf(stream)).toEqual({ status: 'QUEUED', previousStatus: null });
  return stream;
}

/** Collects the ids of the events after one. */
async function readLog({ url }: GatewayProcess, since: string): Promise<readonly string[]> {
  const stream = await openSse(url, { query: EVENTS, variables: { since } });
  cleanups.push(() => stream.close());
  const ids: string[] = [];
  const readAll = async () => {
    for (let result = await stream.result(); result !== undefined; result = await stream.result()) {
      const { data } = result as { data: { fineTuningJobEventAdded: { event: { id: string } } } };
      ids.push(data.fineTuningJobEventAdded.event.id);
    }
  };
  readAll().catch(() => {}); // The end of the test cuts the stream.
  return ids;
}

async function changeOf(stream: SseStream | undefined) {
  const result = (await stream?.result()) as { data: { fineTuningJobStatusChanged: unknown } } | undefined;
  return result?.data.fineTuningJobStatusChanged;
}

describe.skipIf(redisProgram === null || !canMeasureProcesses)('the replica that polls', () => {
  it.each(['SIGKILL', 'SIGSTOP'] as const)(
    'is replaced within 15 s after %s, and subscribers of others lose no change',
    { timeout: 90_000 },
    async (signal) => {
      const { upstream, polled, streams, log, logs, polls } = await startFleet();
      const others = streams.slice(1);
      log.grow(2);
      await until(() => logs.every((ids) => ids.length === 2));
      polled.signal(signal);
      log.grow(3);
      upstream.onJob(jobBody({ id: ID, status: 'running' }));
      const [stoppedAt, before] = [performance.now(), polls()];
      const running = { status: 'RUNNING', previousStatus: 'QUEUED' };
      expect(await Promise.all(others.map(changeOf))).toEqual([running, running]);
      expect(performance.now() - stoppedAt).toBeLessThan(TAKEOVER_MS);
      expect(polls() - before).toBeLessThanOrEqual(2); // The last one of the stopped process may have been on its way.
      await until(() => logs.every((ids) => ids.length === 5));
      if (signal === 'SIGKILL') return;
      upstream.onJob(jobBody({ id: ID, status: 'paused' }));
      const paused = { status: 'PAUSED', previousStatus: 'RUNNING' };
      expect(await Promise.all(others.map(changeOf))).toEqual([paused, paused]);
      polled.signal('SIGCONT');
      // Its subscriber gets what it has missed, in order; the last state at least.
      let change = await changeOf(streams[0]);
      if (JSON.stringify(change) === JSON.stringify(running)) change = await changeOf(streams[0]);
      expect(change).toMatchObject({ status: 'PAUSED' });
      log.grow(1);
      await until(() => logs.every((ids) => ids.length === 6));
      for (const ids of logs) expect(ids).toEqual(log.ids.slice(1));
      upstream.onJob(jobBody({ id: ID, status: 'succeeded' }));
      const succeeded = { status: 'SUCCEEDED', previousStatus: 'PAUSED' };
      expect(await Promise.all(streams.map(changeOf))).toEqual([succeeded, succeeded, succeeded]);
    },
  );
});
