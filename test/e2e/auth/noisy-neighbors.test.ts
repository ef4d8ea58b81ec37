import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { jobBody } from '../../kit/bodies/job.ts';
import { createTestClock } from '../../kit/clock.ts';
import { startGateway } from '../../kit/gateway/gateway.ts';
import { answer, startUpstream } from '../../kit/gateway/upstream.ts';
import { askAs } from '../../kit/process/token.ts';
import { until } from '../../kit/until.ts';

// Two callers with keys of their own: whatever one of them meets, the other is served as if alone.

const [ANN, BOB] = ['Bearer key-of-ann', 'Bearer key-of-bob'];

type Answer = (request: IncomingMessage, response: ServerResponse) => void;
const tell =
  (status: number): Answer =>
  (_, response) =>
    answer(response, status, {});

/** An upstream that answers each with a job, and Ann as it is told. */
async function start(settings: Record<string, string> = {}) {
  const clock = createTestClock();
  const upstream = await startUpstream();
  const gateway = await startGateway(
    { OPENAI_BASE_URL: upstream.baseUrl, AUTH: 'passthrough', RATE_LIMIT_PER_MINUTE: '0', ...settings },
    clock,
  );
  const whole: Answer = ({ url = '' }, response) =>
    answer(response, 200, jobBody({ id: decodeURIComponent(url.split('/').at(-1) ?? '') }));
  const scripts = { ann: whole, bob: whole };
  upstream.failAll((request, response) =>
    (request.headers.authorization === ANN ? scripts.ann : scripts.bob)(request, response),
  );
  let asked = 0;
  const ask = async (who: string, id = `ftjob-${++asked}`) => {
    const { errors } = await askAs(gateway.url, who, `{ fineTuningJob(id: "${id}") { id } }`);
    return errors?.[0]?.extensions;
  };
  return {
    clock,
    upstream,
    scripts,
    whole,
    ask,
    callsOf: (who: string) => upstream.calls.filter(({ authorization }) => authorization === who).length,
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
    },
  };
}

describe('a neighbour', () => {
  it.each([401, 403, 404, 408, 429, 500, 502, 503, 504])(
    'who is told %i by the upstream again and again closes it to nobody else',
    async (status) => {
      await using world = await start();
      world.scripts.ann = tell(status);
      for (let time = 0; time < 30; time++) {
        await world.ask(ANN);
        if (time % 10 === 9) expect(await world.ask(BOB)).toBeUndefined();
      }
      expect(world.callsOf(BOB)).toBe(3);
    },
  );

  it('whose success does not open to another what is closed to that one', async () => {
    await using world = await start();
    world.scripts.ann = tell(503);
    for (let time = 0; time < 10; time++) {
      await world.ask(ANN);
      await world.ask(BOB);
    }
    expect(await world.ask(ANN)).toEqual({ code: 'UPSTREAM_UNAVAILABLE', retryAfterSeconds: 2 });
    expect(world.callsOf(ANN)).toBe(10);
  });

  it('whose calls time out closes the upstream to nobody else', async () => {
    await using world = await start();
    world.scripts.ann = () => {};
    const hanging = Array.from({ length: 20 }, () => world.ask(ANN));
    await until(() => world.callsOf(ANN) === 20);
    world.clock.advance(30_000);
    for (const extensions of await Promise.all(hanging)) expect(extensions).toEqual({ code: 'UPSTREAM_TIMEOUT' });
    expect(await world.ask(ANN)).toEqual({ code: 'UPSTREAM_UNAVAILABLE', retryAfterSeconds: 2 });
    expect(await world.ask(BOB)).toBeUndefined();
  });

  it('who uses up all tries again takes none from another', async () => {
    await using world = await start({ UPSTREAM_RETRIES: '1' });
    const settle = async (count: number) => {
      await until(() => world.clock.timers === 2 * count); // Each has a deadline, and a wait before another try.
      world.clock.advance(500);
    };
    world.scripts.ann = tell(500);
    const failing = Array.from({ length: 10 }, () => world.ask(ANN));
    await settle(10);
    await Promise.all(failing);
    await world.ask(ANN); // At once: there is no try left.
    expect([await world.ask(ANN), world.callsOf(ANN)]).toEqual([expect.objectContaining({ upstreamStatus: 500 }), 22]);
    let tries = 0;
    world.scripts.bob = (request, response) => (tries++ === 0 ? tell(500) : world.whole)(request, response);
    const answered = world.ask(BOB);
    await settle(1);
    expect([await answered, tries]).toEqual([undefined, 2]);
  });

  it('whose calls hang in every socket that one may have keeps another from none', async () => {
    await using world = await start({ UPSTREAM_CONNECTIONS: '2' });
    world.scripts.ann = () => {};
    const hanging = Array.from({ length: 5 }, () => world.ask(ANN));
    await until(() => world.callsOf(ANN) === 2);
    expect(await world.ask(BOB)).toBeUndefined();
    world.clock.advance(30_000);
    await Promise.all(hanging);
    expect(world.callsOf(ANN)).toBe(2);
  });

  it('who floods the upstream waits, and another goes next', async () => {
    await using world = await start({ UPSTREAM_MAX_RPS: '2' });
    const flood = Array.from({ length: 40 }, () => world.ask(ANN));
    await until(() => world.callsOf(ANN) === 2 && world.clock.timers === 39); // 38 deadlines, and one timer for the queue.
    const asked = world.ask(BOB);
    await until(() => world.clock.timers === 40);
    world.clock.advance(1000);
    expect(await asked).toBeUndefined();
    await until(() => world.callsOf(ANN) === 3);
    world.clock.advance(30_000);
    await Promise.all(flood);
  });

  it('who floods the upstream is turned away when the wait grows too long, and another is not', async () => {
    await using world = await start({ UPSTREAM_MAX_RPS: '1', UPSTREAM_TIMEOUT_MS: '5000' });
    const flood = Array.from({ length: 6 }, () => world.ask(ANN));
    await until(() => world.callsOf(ANN) === 1 && world.clock.timers === 6);
    expect(await world.ask(ANN)).toEqual({ code: 'UPSTREAM_RATE_LIMITED', retryAfterSeconds: 6 });
    const asked = world.ask(BOB);
    await until(() => world.clock.timers === 7);
    for (let second = 0; second < 2; second++) world.clock.advance(1000);
    expect(await asked).toBeUndefined();
    world.clock.advance(5000);
    await Promise.all(flood);
  });
});
