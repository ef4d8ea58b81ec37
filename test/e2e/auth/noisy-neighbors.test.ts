import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { jobBody } from '../../kit/bodies/job.ts';
import { createTestClock, turning } from '../../kit/clock.ts';
import { startGateway } from '../../kit/gateway/gateway.ts';
import { startUpstream, writeResponse } from '../../kit/gateway/upstream.ts';
import { askAs } from '../../kit/process/token.ts';
import { until } from '../../kit/until.ts';

// Two callers with their own keys: faults of one never affect the other.

const [ANN, BOB] = ['Bearer key-of-ann', 'Bearer key-of-bob'];

type Respond = (request: IncomingMessage, response: ServerResponse) => void;
const failWith =
  (status: number): Respond =>
  (_, response) =>
    writeResponse(response, status, {});

/** An upstream with a job for each id; the tests script the responses for Ann and Bob. */
async function start(settings: Record<string, string> = {}) {
  const clock = createTestClock();
  const upstream = await startUpstream();
  const gateway = await startGateway(
    { OPENAI_BASE_URL: upstream.baseUrl, AUTH: 'passthrough', RATE_LIMIT_PER_MINUTE: '0', ...settings },
    clock,
  );
  const succeed: Respond = ({ url = '' }, response) =>
    writeResponse(response, 200, jobBody({ id: decodeURIComponent(url.split('/').at(-1) ?? '') }));
  const scripts = { ann: succeed, bob: succeed };
  upstream.failAll((request, response) =>
    (request.headers.authorization === ANN ? scripts.ann : scripts.bob)(request, response),
  );
  let jobCount = 0;
  const errorOf = async (caller: string, id = `ftjob-${++jobCount}`) => {
    const { errors } = await askAs(gateway.url, caller, `{ fineTuningJob(id: "${id}") { id } }`);
    return errors?.[0]?.extensions;
  };
  return {
    clock,
    upstream,
    scripts,
    succeed,
    errorOf,
    /** Lets the upstream accept both keys. */
    async verify() {
      for (const caller of [ANN, BOB]) expect(await turning(clock, 4000, errorOf(caller))).toBeUndefined();
      clock.advance(2000); // The rate limiter has all of its tokens again.
      upstream.calls.length = 0;
    },
    callsOf: (caller: string) => upstream.calls.filter(({ authorization }) => authorization === caller).length,
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
    },
  };
}

describe('a neighbor', () => {
  it.each([401, 403, 404, 408, 429, 500, 502, 503, 504])(
    'with repeated %i from the upstream does not open the circuit breaker of others',
    async (status) => {
      await using world = await start();
      world.scripts.ann = failWith(status);
      for (let count = 0; count < 30; count++) {
        await world.errorOf(ANN);
        if (count % 10 === 9) expect(await world.errorOf(BOB)).toBeUndefined();
      }
      expect(world.callsOf(BOB)).toBe(3);
    },
  );

  it('with successful calls does not close the circuit breaker of another', async () => {
    await using world = await start();
    world.scripts.ann = failWith(503);
    for (let count = 0; count < 10; count++) {
      await world.errorOf(ANN);
      await world.errorOf(BOB);
    }
    expect(await world.errorOf(ANN)).toEqual({ code: 'UPSTREAM_UNAVAILABLE', retryAfterSeconds: 2 });
    expect(world.callsOf(ANN)).toBe(10);
  });

  it('with timeouts does not open the circuit breaker of others', async () => {
    await using world = await start();
    await world.verify();
    world.scripts.ann = () => {};
    const hanging = Array.from({ length: 20 }, () => world.errorOf(ANN));
    await until(() => world.callsOf(ANN) === 20);
    world.clock.advance(30_000);
    for (const extensions of await Promise.all(hanging)) expect(extensions).toEqual({ code: 'UPSTREAM_TIMEOUT' });
    expect(await world.errorOf(ANN)).toEqual({ code: 'UPSTREAM_UNAVAILABLE', retryAfterSeconds: 2 });
    expect(await world.errorOf(BOB)).toBeUndefined();
  });

  it('with an empty retry budget takes no retries from another', async () => {
    await using world = await start({ UPSTREAM_RETRIES: '1' });
    const settle = async (count: number) => {
      await until(() => world.clock.timers === 2 * count); // Each has a deadline and a pending retry.
      world.clock.advance(500);
    };
    world.scripts.ann = failWith(500);
    const failing = Array.from({ length: 10 }, () => world.errorOf(ANN));
    await settle(10);
    await Promise.all(failing);
    await world.errorOf(ANN); // Without a retry: the budget is empty.
    expect([await world.errorOf(ANN), world.callsOf(ANN)]).toEqual([
      expect.objectContaining({ upstreamStatus: 500 }),
      22,
    ]);
    let attempts = 0;
    world.scripts.bob = (request, response) => (attempts++ === 0 ? failWith(500) : world.succeed)(request, response);
    const pending = world.errorOf(BOB);
    await settle(1);
    expect([await pending, attempts]).toEqual([undefined, 2]);
  });

  it('with hanging calls on all of its connections does not block another', async () => {
    await using world = await start({ UPSTREAM_CONNECTIONS: '2' });
    world.scripts.ann = () => {};
    const hanging = Array.from({ length: 5 }, () => world.errorOf(ANN));
    await until(() => world.callsOf(ANN) === 2);
    expect(await world.errorOf(BOB)).toBeUndefined();
    world.clock.advance(30_000);
    await Promise.all(hanging);
    expect(world.callsOf(ANN)).toBe(2);
  });

  it('with many queued calls waits, and the call of another goes next', async () => {
    await using world = await start({ UPSTREAM_MAX_RPS: '2' });
    await world.verify();
    const flood = Array.from({ length: 40 }, () => world.errorOf(ANN));
    await until(() => world.callsOf(ANN) === 2 && world.clock.timers === 39); // 38 deadlines, and one timer of the queue.
    const pending = world.errorOf(BOB);
    await until(() => world.clock.timers === 40);
    world.clock.advance(1000);
    expect(await pending).toBeUndefined();
    await until(() => world.callsOf(ANN) === 3);
    world.clock.advance(30_000);
    await Promise.all(flood);
  });

  it('with too many queued calls is rejected, and another is not', async () => {
    await using world = await start({ UPSTREAM_MAX_RPS: '1', UPSTREAM_TIMEOUT_MS: '5000' });
    await world.verify();
    const flood = Array.from({ length: 6 }, () => world.errorOf(ANN));
    await until(() => world.callsOf(ANN) === 1 && world.clock.timers === 6);
    expect(await world.errorOf(ANN)).toEqual({ code: 'UPSTREAM_RATE_LIMITED', retryAfterSeconds: 6 });
    const pending = world.errorOf(BOB);
    await until(() => world.clock.timers === 7);
    for (let second = 0; second < 2; second++) world.clock.advance(1000);
    expect(await pending).toBeUndefined();
    world.clock.advance(5000);
    await Promise.all(flood);
  });
});
