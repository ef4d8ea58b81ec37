import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { jobBody } from '../../kit/bodies/job.ts';
import { writeResponse } from '../../kit/gateway/upstream.ts';
import { NO_CACHE, startWorld, type World } from '../../kit/gateway/world.ts';
import { until } from '../../kit/until.ts';

/** A gateway whose upstream responds to each request for a job with the status in `health`. */
async function start(settings: Record<string, string> = {}) {
  const world = await startWorld({ ...NO_CACHE, ...settings });
  const health = { status: 503 };
  let queries = 0;
  const query = async (signal?: AbortSignal) => {
    const id = `ftjob-${++queries}`;
    world.upstream.on(`/fine_tuning/jobs/${id}`, (_: unknown, response: ServerResponse) =>
      writeResponse(response, health.status, health.status === 200 ? jobBody({ id }) : {}),
    );
    const { errors } = await world.gateway.query(`{ fineTuningJob(id: "${id}") { id } }`, {}, signal);
    return errors?.[0]?.extensions;
  };
  const fail = async (times: number) => {
    for (let count = 0; count < times; count++) expect(await query()).toMatchObject({ upstreamStatus: health.status });
  };
  const calls = () => world.upstream.calls.length;
  return { world, health, query, fail, calls };
}

const notSent = (retryAfterSeconds: number) => ({ code: 'UPSTREAM_UNAVAILABLE', retryAfterSeconds });
const dispose = (world: World) => world[Symbol.asyncDispose]();

describe('an upstream that is down', () => {
  it('receives only single probes after ten consecutive failures, until a probe succeeds', async () => {
    const { world, health, query, fail, calls } = await start();
    await fail(10);
    expect(await query()).toEqual(notSent(2));
    expect(calls()).toBe(10);
    world.clock.advance(2000);
    await fail(1);
    expect(await query()).toEqual(notSent(4));
    expect(calls()).toBe(11);
    health.status = 200;
    world.clock.advance(3999);
    expect(await query()).toEqual(notSent(1));
    world.clock.advance(1);
    expect(await query()).toBeUndefined();
    expect(await query()).toBeUndefined();
    expect(calls()).toBe(13);
    await dispose(world);
  });

  it('receives one probe for many concurrent queries; the others fail without waiting for it', async () => {
    const { world, health, query, fail, calls } = await start();
    await fail(10);
    world.clock.advance(2000);
    health.status = 200;
    const gate = world.upstream.hold();
    const probe = query();
    await gate.arrived(1);
    expect(await Promise.all(Array.from({ length: 20 }, () => query()))).toEqual(Array(20).fill(notSent(1)));
    gate.release();
    expect(await probe).toBeUndefined();
    expect(calls()).toBe(11);
    await dispose(world);
  });

  it('receives another probe when the client of the probe disconnects', async () => {
    const { world, health, query, fail, calls } = await start();
    await fail(10);
    world.clock.advance(2000);
    health.status = 200;
    const gate = world.upstream.hold();
    const client = new AbortController();
    const probe = query(client.signal);
    await gate.arrived(1);
    client.abort();
    await expect(probe).rejects.toThrow();
    await gate.abandoned(1);
    gate.release();
    expect(await query()).toBeUndefined();
    expect(calls()).toBe(12);
    await dispose(world);
  });

  it('counts timeouts as failures', async () => {
    const { world, query, calls } = await start({ UPSTREAM_TIMEOUT_MS: '1000' });
    const gate = world.upstream.hold();
    const responses = Array.from({ length: 10 }, () => query());
    await gate.arrived(10);
    world.clock.advance(1000);
    expect(new Set((await Promise.all(responses)).map((extensions) => extensions?.['code']))).toEqual(
      new Set(['UPSTREAM_TIMEOUT']),
    );
    expect(await query()).toEqual(notSent(2));
    expect(calls()).toBe(10);
    gate.release();
    await dispose(world);
  });

  it('takes no rate limit tokens for calls that are rejected', async () => {
    const { world, health, query, fail, calls } = await start({ UPSTREAM_MAX_RPS: '11' });
    await fail(10);
    for (let count = 0; count < 50; count++) expect(await query()).toMatchObject(notSent(2));
    world.clock.advance(2000);
    health.status = 200;
    expect(await query()).toBeUndefined(); // Without a token it would wait for the stopped clock.
    expect(calls()).toBe(11);
    await dispose(world);
  });

  it('receives no retry of a call when the breaker opened during its wait', async () => {
    const { world, query, fail, calls } = await start({ UPSTREAM_RETRIES: '1' });
    const waiting = query();
    await world.clock.timerBelow(501);
    const others = Array.from({ length: 9 }, () => query());
    await until(() => calls() === 10 && world.clock.timers === 20); // Each has a deadline timer and a retry timer.
    world.clock.advance(500);
    expect(await waiting).toEqual(notSent(2));
    await Promise.all(others);
    expect(calls()).toBe(10);
    await expect(fail(1)).rejects.toThrow(); // The breaker stays open.
    await dispose(world);
  });
});

describe('an upstream that is up', () => {
  it.each([400, 401, 404, 429, 500])('is called on, however often it responds with %i', async (status) => {
    const { world, health, query, calls } = await start();
    health.status = status;
    for (let count = 0; count < 30; count++) await query();
    expect(calls()).toBe(30);
    await dispose(world);
  });

  it('is called on when one endpoint is broken: a list of jobs without their checkpoints', async () => {
    const { world, query } = await start();
    const jobs = Array.from({ length: 30 }, (_, index) => jobBody({ id: `ftjob-list-${index}` }));
    world.upstream.onJobs(jobs);
    for (const { id } of jobs) {
      world.upstream.onEvents(id, []);
      world.upstream.on(`/fine_tuning/jobs/${id}/checkpoints`, (_: unknown, response: ServerResponse) =>
        writeResponse(response, 500, {}),
      );
    }
    const { errors = [] } = await world.gateway.query(
      '{ fineTuningJobs(first: 30) { edges { node { checkpoints { edges { cursor } } events { edges { cursor } } } } } }',
    );
    expect(errors.map(({ path }) => path?.at(-1))).toEqual(Array(30).fill('checkpoints'));
    expect(errors.every(({ extensions }) => extensions['upstreamStatus'] === 500)).toBe(true);
    expect(await query()).toMatchObject({ upstreamStatus: 503 });
    await dispose(world);
  });
});
