import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { type DisturbedFleet, planSteps, startDisturbedFleet } from '../../../kit/fleet/disturbed-fleet.ts';
import { createRandom } from '../../../kit/fleet/random.ts';
import { type RandomJob, startRandomJob } from '../../../kit/fleet/random-job.ts';
import { redisProgram } from '../../../kit/fleet/redis-server.ts';
import { pager, type ScriptedUpstream, startUpstream } from '../../../kit/gateway/upstream.ts';
import { canMeasureProcesses } from '../../../kit/process/gateway-process.ts';

/** Jobs whose changes meet the same acts, each at random times of its own. */
const JOBS = 25;
const ROUNDS = Number(process.env['FLEET_SCHEDULES'] ?? 8);
const FIRST_SEED = Number(process.env['FLEET_SEED'] ?? Date.now() % 1_000_000);
/** So many credentials, each with a lease of its own. */
const SCOPES = 5;
/** Far longer than a takeover and the reconnection to Redis. */
const END_MS = 60_000;

const settings = {
  AUTH: 'passthrough',
  FLEET_SECRET: 'a-secret-of-the-test-with-enough-characters',
  POLL_INTERVAL_MS: '300',
  RATE_LIMIT_PER_MINUTE: '0',
  UPSTREAM_MAX_RPS: '2000',
  MAX_SUBSCRIPTIONS_PER_CALLER: '5000',
};

interface World {
  readonly upstream: ScriptedUpstream;
  readonly fleet: DisturbedFleet;
  /** All jobs, newest first. */
  readonly jobs: RandomJob[];
  /** Ends all subscriptions. */
  readonly closed: AbortController;
}

async function startWorld(opened: AsyncDisposableStack): Promise<World> {
  const upstream = opened.use(await startUpstream());
  const fleet = opened.use(await startDisturbedFleet(upstream.baseUrl, settings));
  const closed = new AbortController();
  opened.defer(() => closed.abort());
  const jobs: RandomJob[] = [];
  const list = (request: IncomingMessage, response: ServerResponse) =>
    pager(jobs.map(({ body }) => body))(request, response);
  upstream.on('/fine_tuning/jobs', list);
  return { upstream, fleet, jobs, closed };
}

/** Performs the acts of the seed while the jobs change. Resolves when their subscribers have everything, or too late. */
async function runRound({ upstream, fleet, jobs, closed }: World, seed: number): Promise<void> {
  const steps = planSteps(createRandom(seed));
  const own = Array.from({ length: JOBS }, (_, index) =>
    startRandomJob({
      upstream,
      urls: fleet.urls,
      id: `ftjob-${seed}-${index}`,
      key: `test-key-${index % SCOPES}`,
      random: createRandom(seed * JOBS + index),
      closed: closed.signal,
    }),
  );
  jobs.unshift(...own);
  const calmed = new AbortController();
  const changing = own.map((job) => job.change(calmed.signal));
  for (const step of steps) await fleet.perform(step);
  await fleet.calm();
  calmed.abort();
  await Promise.all(changing);
  const ended = Promise.all(own.map((job) => job.finish()));
  await Promise.race([ended, sleep(END_MS, null, { ref: false })]);
  const problems = own.flatMap((job) => job.problems());
  expect(problems, `FLEET_SCHEDULES=1 FLEET_SEED=${seed}: ${JSON.stringify(steps)}`).toEqual([]);
}

describe.skipIf(redisProgram === null || !canMeasureProcesses)('three replicas', () => {
  it(`show each change once, in order, up to the last, and each event once, in ${ROUNDS * JOBS} random schedules`, {
    timeout: 60_000 + ROUNDS * 2 * END_MS,
  }, async () => {
    await using opened = new AsyncDisposableStack();
    const world = await startWorld(opened);
    for (let round = 0; round < ROUNDS; round++) await runRound(world, FIRST_SEED + round);
    expect(world.jobs.flatMap((job) => job.problems())).toEqual([]); // No event has come again.
  });
});
