import type { Redis } from 'ioredis';
import { systemClock } from '../../src/clock.ts';
import { createRedisState } from '../../src/state/redis/redis-state.ts';
import type { SharedState } from '../../src/state/shared-state.ts';
import { topicOf } from '../../src/state/topic.ts';
import type { ScopeListener } from '../../src/state/watch-state.ts';
import { jobBody } from '../kit/bodies/job.ts';
import { startBenchRedis } from './bench-redis.ts';

/** Memory of one kind of keys, by `MEMORY USAGE`. */
export interface KeyMemory {
  readonly keys: string;
  readonly count: number;
  readonly bytes: number;
}

export interface MemorySample {
  readonly bodyBytes: number;
  readonly rows: readonly KeyMemory[];
  /** Growth of `used_memory` by all of them. */
  readonly usedBytes: number;
}

export const JOBS = 1000;
export const CALLERS = 1000;
const REPLICAS = 3;
const OBSERVATIONS_PER_JOB = 3;
const PREFIX = 'finetune';

/** Fills a Redis through the state of three replicas, which watch the same jobs, and measures its keys. */
export async function measureMemory(metadataPairs: number): Promise<MemorySample> {
  await using opened = new AsyncDisposableStack();
  const redis = await startBenchRedis(opened);
  const run = /^run_id:(\w+)/m.exec(await redis.client.info('server'))?.[1] ?? '';
  await redis.client.hset(`${PREFIX}:epoch`, { run, epoch: '1.0' }); // As if replicas had met in it for long.
  const before = await usedMemory(redis.client);
  const scopeSecret = new Uint8Array(32);
  const options = { url: redis.url, prefix: PREFIX, scopeSecret, clock: systemClock };
  const states = Array.from({ length: REPLICAS }, () => createRedisState(options));
  for (const state of states) opened.defer(() => state.dispose());
  while (!states.every(({ isAvailable }) => isAvailable)) await pause();
  await watchJobs(states, metadataPairs);
  for (const state of states) await useAsCallers(state);
  await createJobs(states);
  for (let change = 0; change < 20_000; change++) {
    states[0]?.invalidations.publish({ scope: 's'.repeat(43), noun: 'job', id: idOf(change) });
    if (change % 500 === 0) await pause();
  }
  const rows = await rowsOf(redis.client);
  const bodyBytes = JSON.stringify(bodyOf(0, metadataPairs, 0)).length;
  return { bodyBytes, rows, usedBytes: (await usedMemory(redis.client)) - before };
}

const pause = () => new Promise<void>((resolve) => void systemClock.after(20, resolve));
const idOf = (number: number) => `ftjob-${String(number).padStart(24, 'a')}`;

function bodyOf(number: number, metadataPairs: number, version: number) {
  const pairs = Array.from({ length: metadataPairs }, (_, pair) => [`key-${pair}`, 'v'.repeat(512)]);
  return jobBody({ id: idOf(number), metadata: Object.fromEntries(pairs), trained_tokens: version });
}

async function watchJobs(states: readonly SharedState[], metadataPairs: number): Promise<void> {
  const revisions = new Map<string, number>();
  const listener: ScopeListener<null> = {
    onAccepted: ({ jobId, revision }) => void revisions.set(jobId, revision),
    onRole() {},
    onInterest() {},
    onPollRequested() {},
    onEvents() {},
    onFollowing() {},
    onFailed() {},
    onGap() {},
    onReset() {},
  };
  const scopes = states.map((state) => state.watch.join<null>('s'.repeat(43), listener));
  for (const scope of scopes)
    for (let number = 0; number < JOBS; number++) scope.setInterest(topicOf('job', idOf(number)), true);
  await pause();
  for (let version = 0; version < OBSERVATIONS_PER_JOB; version++) {
    for (let number = 0; number < JOBS; number++) {
      const jobId = idOf(number);
      const value = { raw: bodyOf(number, metadataPairs, version), status: 'running' };
      const expected = revisions.get(jobId) ?? null;
      const facts = { isTerminal: false, cause: 'poll', observedAt: systemClock.now(), origin: null };
      await scopes[0]?.offer({ jobId, expected, value, ...facts });
    }
    await pause(); // The log is read meanwhile.
  }
}

async function useAsCallers(state: SharedState): Promise<void> {
  for (let number = 0; number < CALLERS; number++) {
    const caller = `caller-${number}`;
    await state.points.consume([{ kind: 'caller', key: caller, max: 20_000 }], 10);
    await state.subscriptions.open(caller, 200);
    await state.dailyCounts.take('create', caller, 50);
    await state.webhookIds.record(`wh_${number}_${'a'.repeat(24)}`, 600_000);
  }
}

async function createJobs([state]: readonly SharedState[]): Promise<void> {
  for (let number = 0; number < CALLERS; number++) {
    const key = `${'k'.repeat(38)}${String(number).padStart(5, '0')}`; // As long as an HMAC.
    const claim = await state?.ledger.reserve([key], { leaseMs: 5000, createMs: 60_000 });
    if (claim?.kind !== 'reserved') continue;
    await claim.begin(60_000);
    claim.settle({ kind: 'made', key, job: { jobId: idOf(number), request: 'r'.repeat(43) } });
  }
  await pause();
}

/** What a key is part of, by its beginning. */
const KINDS: readonly (readonly [keys: string, pattern: RegExp])[] = [
  ['watched job', /^watch:[^:]+:job:/],
  ['log of a scope', /^watch:[^:]+:log$/],
  ['jobs that a replica watches', /^watch:[^:]+:interest:/],
  ['points of a caller', /^points:/],
  ['subscriptions of a caller', /^subscriptions:/],
  ['daily count of a caller', /^daily:count:/],
  ['log of daily counts', /^daily:log$/],
  ['key with a job', /^create:/],
  ['id of a webhook', /^webhook:/],
  ['changes', /^invalidations$/],
  ['all others', /^/],
];

async function rowsOf(client: Redis): Promise<KeyMemory[]> {
  const totals = new Map(KINDS.map(([keys]) => [keys, { count: 0, bytes: 0 }]));
  for await (const batch of client.scanStream({ count: 1000 })) {
    for (const key of batch as string[]) {
      const [kind = ''] = KINDS.find(([, pattern]) => pattern.test(key.slice(PREFIX.length + 1))) ?? [];
      const total = totals.get(kind);
      if (total === undefined) continue;
      total.count++;
      total.bytes += Number(await client.memory('USAGE', key, 'SAMPLES', 0));
    }
  }
  return [...totals].map(([keys, { count, bytes }]) => ({ keys, count, bytes }));
}

const usedMemory = async (client: Redis) => Number(/^used_memory:(\d+)/m.exec(await client.info('memory'))?.[1]);
