import type { Redis } from 'ioredis';
import { type Clock, systemClock } from '../../../src/clock.ts';
import { jobBody } from '../bodies/job.ts';
import { startGateway, type TestGateway } from '../gateway/gateway.ts';
import { type ScriptedUpstream, startUpstream, writeResponse } from '../gateway/upstream.ts';
import { create } from '../mutation/create-job.ts';
import { untilAsync } from '../until.ts';

export const JOBS = '/fine_tuning/jobs';

/** Several gateways in this process, each a replica, in front of one upstream that creates jobs. */
export interface Replicas extends AsyncDisposable {
  readonly upstream: ScriptedUpstream;
  readonly apiKey: string;
  readonly gateways: readonly TestGateway[];
  /** The replica whose turn it is, as a load balancer chooses it. */
  next(): TestGateway;
  /** The HTTP status with which the upstream answers to creates; 200 creates a job. */
  createStatus: number;
  /** Number of jobs that the upstream has created. */
  readonly created: number;
  /** Creates a job on the next replica. Resolves to the name of the result's type. */
  create(): Promise<string>;
}

/** One replica for each URL of Redis. Resolves when all are ready. */
export async function startReplicas(
  redisUrls: readonly string[],
  settings: Record<string, string> = {},
  clock: Clock = systemClock,
): Promise<Replicas> {
  await using stack = new AsyncDisposableStack();
  const upstream = stack.use(await startUpstream());
  let [created, createStatus, turn] = [0, 200, 0];
  upstream.on(JOBS, (request: { method?: string }, response: Parameters<typeof writeResponse>[0]) => {
    if (request.method !== 'POST') return writeResponse(response, 200, { object: 'list', data: [], has_more: false });
    if (createStatus !== 200) return writeResponse(response, createStatus, { error: { message: 'no', code: null } });
    writeResponse(response, 200, jobBody({ id: `ftjob-${++created}` }));
  });
  const apiKey = `test-${crypto.randomUUID()}`;
  const key = settings['AUTH'] === 'passthrough' ? {} : { OPENAI_API_KEY: apiKey };
  const shared = { OPENAI_BASE_URL: upstream.baseUrl, ALLOW_MUTATIONS: 'on', ...key };
  const gateways: TestGateway[] = [];
  for (const url of redisUrls) {
    gateways.push(stack.use(await startGateway({ ...shared, REDIS_URL: url, ...settings }, clock)));
  }
  for (const { url } of gateways) await untilAsync(async () => (await fetch(new URL('/ready', url))).ok);
  const opened = stack.move();
  const next = () => gateways[turn++ % gateways.length] as TestGateway; // There is at least one.
  return {
    upstream,
    apiKey,
    gateways,
    next,
    get createStatus() {
      return createStatus;
    },
    set createStatus(status) {
      createStatus = status;
    },
    get created() {
      return created;
    },
    create: async () => (await create(next(), INPUT)).__typename,
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** A valid job. */
export const INPUT = { modelId: 'gpt-4o-mini', trainingFileId: 'file-1' };

/** Resolves when each of the replicas has read how many there are: it sends a heartbeat after the reply to the one before. */
export async function areAcquainted(redis: Redis, count: number): Promise<void> {
  await untilAsync(async () => (await redis.zcard('finetune:members')) === count);
  for (let heartbeat = 0; heartbeat < 2; heartbeat++) {
    const last = (await redis.zrange('finetune:members', '-1', '-1', 'WITHSCORES'))[1] ?? '';
    await untilAsync(async () => (await redis.zcount('finetune:members', `(${last}`, '+inf')) === count);
  }
}
