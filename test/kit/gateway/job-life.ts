import { expect } from 'vitest';
import { createSandbox } from '../../../src/sandbox/sandbox.ts';
import { createTestClock, turning } from '../clock.ts';
import { startGateway } from './gateway.ts';

/** Seeds of the sandbox whose first new job comes to this end. */
export const SEEDS = { succeeded: 3, failed: 2 };
/** No look is further away. The first is nearer than the end of what a socket may take to say who it is. */
const MAX_POLL_INTERVAL_MS = 16_000;
const FIRST_LOOK_MS = 3000;

/** What else is set by the clock is further away than any look. */
const ONLY_LOOKS = { HEARTBEAT_MS: '600000', UPSTREAM_TIMEOUT_MS: '600000' };

/** A gateway before a sandbox at real speed, by one clock that the test turns, and a job that was made just now. */
export async function startLife(seed: number) {
  const clock = createTestClock();
  const startedAt = clock.now() / 1000;
  const sandbox = await createSandbox({ clock, seed, speed: 1 });
  const gateway = await startGateway({ OPENAI_BASE_URL: String(sandbox.baseUrl), ...ONLY_LOOKS }, clock);
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

export type Life = Awaited<ReturnType<typeof startLife>>;

/** Turns the clock from look to look until the promise settles. */
export const looking = <T>({ clock }: Life, promise: Promise<T>): Promise<T> =>
  turning(clock, MAX_POLL_INTERVAL_MS, promise);

/** Turns the clock for what follows the job, until that ends. It calls `begin` when it has been told of something. */
export async function living<T>(life: Life, follow: (begin: () => void) => Promise<T>): Promise<T> {
  const begun = Promise.withResolvers<void>();
  const ended = follow(begun.resolve);
  await turning(life.clock, FIRST_LOOK_MS, Promise.race([begun.promise, ended]));
  return await looking(life, ended);
}
