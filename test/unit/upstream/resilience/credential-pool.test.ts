import { Pool } from 'undici';
import { describe, expect, it } from 'vitest';
import { createCredentialPools } from '../../../../src/upstream/resilience/credential-pool.ts';
import { createTestClock } from '../../../kit/clock.ts';
import { answer, startUpstream } from '../../../kit/gateway/upstream.ts';
import { until } from '../../../kit/until.ts';

async function start(most = 1000) {
  const upstream = await startUpstream();
  upstream.failAll((_, response) => answer(response, 200, {}));
  const pools = createCredentialPools(() => new Pool(new URL(upstream.baseUrl).origin), createTestClock(), most);
  return {
    upstream,
    pools,
    async [Symbol.asyncDispose]() {
      await pools.dispose();
      await upstream[Symbol.asyncDispose]();
    },
  };
}

const ask = (pool: Pool) => pool.request({ method: 'GET', path: '/' });

describe('pools', () => {
  it('are the same for the same credential, and others for another in any part', async () => {
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

  it('make way for new ones; a call under way on one that went is answered, and its sockets are closed then', async () => {
    await using world = await start(2);
    const gate = world.upstream.hold();
    const first = world.pools.get({ apiKey: 'first' });
    const asked = ask(first.pool);
    await gate.arrived(1);
    for (const apiKey of ['second', 'third']) world.pools.get({ apiKey });
    expect(world.pools.get({ apiKey: 'first' })).not.toBe(first);
    gate.release();
    await (await asked).body.dump();
    await until(() => first.pool.destroyed);
  });

  it('end the calls under way when they are disposed, those on pools that went too', async () => {
    await using world = await start(1);
    const gate = world.upstream.hold();
    const asked = ['first', 'second'].map((apiKey) => ask(world.pools.get({ apiKey }).pool));
    await gate.arrived(2);
    await Promise.all([world.pools.dispose(), ...asked.map((call) => expect(call).rejects.toThrow())]);
    await gate.abandoned(2);
    gate.release();
  });
});
