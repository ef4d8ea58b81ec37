import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/clock.ts';
import { createMemoryState } from '../../../src/state/memory/memory-state.ts';
import { COMMAND_TIMEOUT_MS } from '../../../src/state/redis/connection/connection.ts';
import { createRedisState } from '../../../src/state/redis/redis-state.ts';
import { newSecret, webhookBody, webhookHeaders } from '../../kit/bodies/webhook.ts';
import { startNemesis } from '../../kit/fleet/nemesis.ts';
import { redisProgram, startRedis } from '../../kit/fleet/redis-server.ts';
import { startGateway, type TestGateway } from '../../kit/gateway/gateway.ts';
import { startUpstream } from '../../kit/gateway/upstream.ts';
import { until, untilAsync } from '../../kit/until.ts';

const BODY = webhookBody('ftjob-1');
const IDS = { ttl: 60_000, short: 20 };

/** Two replicas that receive the webhooks of one upstream. The first reaches Redis through the nemesis. */
async function openReplicas() {
  const opened = new AsyncDisposableStack();
  const redis = opened.use(await startRedis());
  const nemesis = opened.use(await startNemesis(redis.port));
  const upstream = opened.use(await startUpstream());
  const secret = newSecret();
  const start = async (REDIS_URL: string) => {
    const settings = { OPENAI_BASE_URL: upstream.baseUrl, OPENAI_WEBHOOK_SECRET: secret, REDIS_URL };
    const gateway = opened.use(await startGateway(settings));
    await until(() => gateway.log.some(({ msg }) => msg === 'Redis answers'));
    return gateway;
  };
  return {
    nemesis,
    first: await start(nemesis.url),
    second: await start(redis.url),
    /** Delivers a webhook. Resolves to its status and to the milliseconds until the response. */
    async deliver({ url }: TestGateway, id: string) {
      const headers = webhookHeaders(secret, id, Math.floor(Date.now() / 1000), BODY);
      const startedAt = performance.now();
      const { status } = await fetch(new URL('/webhooks/openai', url), { method: 'POST', headers, body: BODY });
      return { status, ms: performance.now() - startedAt };
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** Whether each webhook that a replica has received was a repetition. */
const repeats = ({ log }: TestGateway) => log.filter(({ msg }) => msg === 'webhook').map(({ isRepeat }) => isRepeat);

const REPEATS = 10;

describe.skipIf(redisProgram === null)('a webhook that is delivered to two replicas', () => {
  it('is a hint once', async () => {
    await using fleet = await openReplicas();
    for (const replica of [fleet.first, fleet.second]) expect((await fleet.deliver(replica, 'wh_1')).status).toBe(204);
    expect([repeats(fleet.first), repeats(fleet.second)]).toEqual([[false], [true]]);
    await fleet.deliver(fleet.second, 'wh_2');
    expect(repeats(fleet.second)).toEqual([true, false]);
  });

  it('is accepted while Redis is away, after half a second once, and is a hint once per replica', async () => {
    await using fleet = await openReplicas();
    await fleet.deliver(fleet.second, 'wh_1');
    fleet.nemesis.mode = 'hold';
    expect((await fleet.deliver(fleet.first, 'wh_1')).status).toBe(204);
    let totalMs = 0;
    for (let repeat = 0; repeat < REPEATS; repeat++) {
      const { status, ms } = await fleet.deliver(fleet.first, 'wh_1');
      expect(status).toBe(204);
      totalMs += ms;
    }
    expect(totalMs).toBeLessThan(REPEATS * COMMAND_TIMEOUT_MS); // None of them waits for Redis.
    await fleet.deliver(fleet.first, 'wh_3');
    expect(repeats(fleet.first)).toEqual([false, ...new Array(REPEATS).fill(true), false]);
  });
});

describe.each(['memory', 'Redis'])('ids of webhooks in %s', (name) => {
  it.skipIf(name === 'Redis' && redisProgram === null)('are new once, and again when they are old', async () => {
    await using stack = new AsyncDisposableStack();
    const states = [createMemoryState(systemClock)];
    if (name === 'Redis') {
      const { url } = stack.use(await startRedis());
      states[0] = createRedisState({ scopeSecret: new Uint8Array(32), url, prefix: 'a', clock: systemClock });
      states[1] = createRedisState({ scopeSecret: new Uint8Array(32), url, prefix: 'a', clock: systemClock });
    }
    for (const state of states) {
      stack.defer(() => state.dispose());
      await until(() => state.isAvailable);
    }
    const [one, other = one] = states.map(({ webhookIds }) => webhookIds);
    expect(await one?.record('a', IDS.ttl)).toBe(false);
    expect(await other?.record('a', IDS.ttl)).toBe(true);
    expect(await one?.record('b', IDS.short)).toBe(false);
    await untilAsync(async () => (await other?.record('b', IDS.short)) === false);
    expect(await one?.record('c', IDS.ttl)).toBe(false);
    one?.forget('c');
    await untilAsync(async () => (await one?.record('c', IDS.short)) === false);
  });
});
