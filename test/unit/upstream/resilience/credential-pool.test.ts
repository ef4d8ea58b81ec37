import { Pool } from 'undici';
import { describe, expect, it } from 'vitest';
import type { OutgoingPool } from '../../../../src/network/undici.ts';
import { createCredentialPools } from '../../../../src/upstream/resilience/credential-pool.ts';
import { createTestClock } from '../../../kit/clock.ts';
import { startUpstream, writeResponse } from '../../../kit/gateway/upstream.ts';
import { until } from '../../../kit/until.ts';

async function start(maxPools = 1000) {
  const upstream = await startUpstream();
  upstream.failAll((_, response) => writeResponse(response, 200, {}));
  const pools = createCredentialPools({
    openPool: () => new Pool(new URL(upstream.baseUrl).origin),
    connections: 64,
    clock: createTestClock(),
    maxPools,
  });
  return {
    upstream,
    pools,
    async [Symbol.asyncDispose]() {
      await pools.dispose();
      await upstream[Symbol.asyncDispose]();
    },
  };
}

const send = (pool: OutgoingPool) => pool.request({ method: 'GET', path: '/' });

describe('credential pools', () => {
  it('are shared by equal credentials only', async () => {
    await using world = await start();
    const credentials = [
      { apiKey: 'one' },
      { apiKey: 'other' },
      { apiKey: 'one', organizationId: 'org' },
      { apiKey: 'one', projectId: 'org' },
    ];
    const pools = credentials.map(world.pools.get);
    expect(new Set(pools).size).toBe(4);
    expect(new Set(pools.map(({ name }) => name)).size).toBe(4);
    expect(credentials.map((credential) => world.pools.get({ ...credential }))).toEqual(pools);
  });

  it('have names that do not contain the key', async () => {
    await using world = await start();
    const apiKey = crypto.randomUUID();
    expect(world.pools.get({ apiKey }).name).not.toContain(apiKey);
  });

  it('are evicted for new ones; a call in flight on an evicted pool completes, and its sockets close then', async () => {
    await using world = await start(2);
    const gate = world.upstream.hold();
    const first = world.pools.get({ apiKey: 'first' });
    const call = send(first.pool);
    await gate.arrived(1);
    for (const apiKey of ['second', 'third']) world.pools.get({ apiKey });
    expect(world.pools.get({ apiKey: 'first' })).not.toBe(first);
    gate.release();
    await (await call).body.dump();
    await until(() => first.pool.destroyed);
  });

  it('are evicted in the order of their last use, also when their credential is the same object', async () => {
    await using world = await start(2);
    const [first, second, third] = [{ apiKey: 'first' }, { apiKey: 'second' }, { apiKey: 'third' }];
    const [one, two] = [world.pools.get(first), world.pools.get(second)];
    for (const credential of [first, first, third]) world.pools.get(credential);
    expect(world.pools.get(first)).toBe(one);
    const again = world.pools.get(second);
    expect(again).not.toBe(two);
    expect(again.pool.closed).toBe(false);
  });

  it('abort the calls in flight when disposed, those on evicted pools included', async () => {
    await using world = await start(1);
    const gate = world.upstream.hold();
    const calls = ['first', 'second'].map((apiKey) => send(world.pools.get({ apiKey }).pool));
    await gate.arrived(2);
    await Promise.all([world.pools.dispose(), ...calls.map((call) => expect(call).rejects.toThrow())]);
    await gate.abandoned(2);
    gate.release();
  });
});
