import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { jobBody } from '../../kit/bodies/job.ts';
import { answer } from '../../kit/gateway/upstream.ts';
import { NO_CACHE, startWorld, type World } from '../../kit/gateway/world.ts';
import { until } from '../../kit/until.ts';

/** Answers to any job while the upstream is as the test says. */
async function start(settings: Record<string, string> = {}) {
  const world = await startWorld({ ...NO_CACHE, ...settings });
  const health = { status: 503 };
  let asked = 0;
  const ask = async (signal?: AbortSignal) => {
    const id = `ftjob-${++asked}`;
    world.upstream.on(`/fine_tuning/jobs/${id}`, (_: unknown, response: ServerResponse) =>
      answer(response, health.status, health.status === 200 ? jobBody({ id }) : {}),
    );
    const { errors } = await world.gateway.query(`{ fineTuningJob(id: "${id}") { id } }`, {}, signal);
    return errors?.[0]?.extensions;
  };
  const fail = async (times: number) => {
    for (let time = 0; time < times; time++) expect(await ask()).toMatchObject({ upstreamStatus: health.status });
  };
  const calls = () => world.upstream.calls.length;
  return { world, health, ask, fail, calls };
}

const notAsked = (retryAfterSeconds: number) => ({ code: 'UPSTREAM_UNAVAILABLE', retryAfterSeconds });
const dispose = (world: World) => world[Symbol.asyncDispose]();

describe('an upstream that is down', () => {
  it('is not asked any more after ten failures in a row, but for one probe now and then, until one is answered', async () => {
    const { world, health, ask, fail, calls } = await start();
    await fail(10);
    expect(await ask()).toEqual(notAsked(2));
    expect(calls()).toBe(10);
    world.clock.advance(2000);
    await fail(1);
    expect(await ask()).toEqual(notAsked(4));
    expect(calls()).toBe(11);
    health.status = 200;
    world.clock.advance(3999);
    expect(await ask()).toEqual(notAsked(1));
    world.clock.advance(1);
    expect(await ask()).toBeUndefined();
    expect(await ask()).toBeUndefined();
    expect(calls()).toBe(13);
    await dispose(world);
  });

  it('is probed by one of many that ask at once; the others fail without waiting for it', async () => {
    const { world, health, ask, fail, calls } = await start();
    await fail(10);
    world.clock.advance(2000);
    health.status = 200;
    const gate = world.upstream.hold();
    const probe = ask();
    await gate.arrived(1);
    expect(await Promise.all(Array.from({ length: 20 }, () => ask()))).toEqual(Array(20).fill(notAsked(1)));
    gate.release();
    expect(await probe).toBeUndefined();
    expect(calls()).toBe(11);
    await dispose(world);
  });

  it('is asked on by the next one when the client behind the probe leaves', async () => {
    const { world, health, ask, fail, calls } = await start();
    await fail(10);
    world.clock.advance(2000);
    health.status = 200;
    const gate = world.upstream.hold();
    const leaving = new AbortController();
    const probe = ask(leaving.signal);
    await gate.arrived(1);
    leaving.abort();
    await expect(probe).rejects.toThrow();
    await gate.abandoned(1);
    gate.release();
    expect(await ask()).toBeUndefined();
    expect(calls()).toBe(12);
    await dispose(world);
  });

  it('counts what did not answer in time among the failures', async () => {
    const { world, ask, calls } = await start({ UPSTREAM_TIMEOUT_MS: '1000' });
    const gate = world.upstream.hold();
    const answers = Array.from({ length: 10 }, () => ask());
    await gate.arrived(10);
    world.clock.advance(1000);
    expect(new Set((await Promise.all(answers)).map((extensions) => extensions?.['code']))).toEqual(
      new Set(['UPSTREAM_TIMEOUT']),
    );
    expect(await ask()).toEqual(notAsked(2));
    expect(calls()).toBe(10);
    gate.release();
    await dispose(world);
  });

  it('does not take the turns of those that are sent away', async () => {
    const { world, health, ask, fail, calls } = await start({ UPSTREAM_MAX_RPS: '11' });
    await fail(10);
    for (let time = 0; time < 50; time++) expect(await ask()).toMatchObject(notAsked(2));
    world.clock.advance(2000);
    health.status = 200;
    expect(await ask()).toBeUndefined(); // Else it would wait for a clock that stands still.
    expect(calls()).toBe(11);
    await dispose(world);
  });

  it('is asked no second time for a call that waited while it went down', async () => {
    const { world, ask, fail, calls } = await start({ UPSTREAM_RETRIES: '1' });
    const waiting = ask();
    await world.clock.timerBelow(501);
    const others = Array.from({ length: 9 }, () => ask());
    await until(() => calls() === 10 && world.clock.timers === 20); // Each has a deadline, and a wait before another try.
    world.clock.advance(500);
    expect(await waiting).toEqual(notAsked(2));
    await Promise.all(others);
    expect(calls()).toBe(10);
    await expect(fail(1)).rejects.toThrow(); // It stays so.
    await dispose(world);
  });
});

describe('an upstream that is up', () => {
  it.each([400, 401, 404, 429, 500])('is asked on, however often it answers %i', async (status) => {
    const { world, health, ask, calls } = await start();
    health.status = status;
    for (let time = 0; time < 30; time++) await ask();
    expect(calls()).toBe(30);
    await dispose(world);
  });

  it('is asked on when one endpoint of many is broken: a list of jobs without their checkpoints', async () => {
    const { world, ask } = await start();
    const jobs = Array.from({ length: 30 }, (_, index) => jobBody({ id: `ftjob-of-list-${index}` }));
    world.upstream.onJobs(jobs);
    for (const { id } of jobs) {
      world.upstream.onEvents(id, []);
      world.upstream.on(`/fine_tuning/jobs/${id}/checkpoints`, (_: unknown, response: ServerResponse) =>
        answer(response, 500, {}),
      );
    }
    const { errors = [] } = await world.gateway.query(
      '{ fineTuningJobs(first: 30) { edges { node { checkpoints { edges { cursor } } events { edges { cursor } } } } } }',
    );
    expect(errors.map(({ path }) => path?.at(-1))).toEqual(Array(30).fill('checkpoints'));
    expect(errors.every(({ extensions }) => extensions['upstreamStatus'] === 500)).toBe(true);
    expect(await ask()).toMatchObject({ upstreamStatus: 503 });
    await dispose(world);
  });
});
