import { expect } from 'vitest';
import { createSandbox } from '../../../src/sandbox/sandbox.ts';
import { createTestClock, turning } from '../clock.ts';
import { startGateway } from './gateway.ts';

/** Seeds of the sandbox whose first new job ends with this status. */
export const SEEDS = { succeeded: 3, failed: 2 };
/** Longest time until the next poll. The first poll comes before the timeout of a WebSocket's connection_init. */
const MAX_POLL_INTERVAL_MS = 16_000;
const FIRST_POLL_MS = 3000;

/** All other timers are later than any poll. */
const ONLY_POLLS = { HEARTBEAT_MS: '600000', UPSTREAM_TIMEOUT_MS: '600000' };

/** A gateway with a sandbox at real speed, both with the test's clock, and a job that was just created. */
export async function startJobLifecycle(seed: number) {
  const clock = createTestClock();
  const startedAt = clock.now() / 1000;
  const sandbox = await createSandbox({ clock, seed, speed: 1 });
  const gateway = await startGateway({ OPENAI_BASE_URL: String(sandbox.baseUrl), ...ONLY_POLLS }, clock);
  const newest = async (): Promise<{ id: string; status: string; createdAt: number }> => {
    const { data } = await gateway.query('{ fineTuningJobs(first: 1) { edges { node { id status createdAt } } } }');
    return Object(data)['fineTuningJobs'].edges[0].node;
  };
  let job = await newest();
  for (; job.createdAt <= startedAt; job = await newest()) clock.advance(20_000);
  expect(job.status).toBe('VALIDATING_FILES');
  return {
    clock,
    gateway,
    id: job.id,
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]();
      await sandbox.dispose();
    },
  };
}

export type JobLifecycle = Awaited<ReturnType<typeof startJobLifecycle>>;

/** Advances the clock from poll to poll until the promise settles. */
export const advancePolls = <T>({ clock }: JobLifecycle, promise: Promise<T>): Promise<T> =>
  turning(clock, MAX_POLL_INTERVAL_MS, promise);

/** Advances the clock for a client that follows the job, until it ends. The client calls `begin` at its first result. */
export async function runFollower<T>(life: JobLifecycle, follow: (begin: () => void) => Promise<T>): Promise<T> {
  const started = Promise.withResolvers<void>();
  const ended = follow(started.resolve);
  await turning(life.clock, FIRST_POLL_MS, Promise.race([started.promise, ended]));
  return await advancePolls(life, ended);
}
