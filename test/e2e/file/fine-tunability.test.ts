import { describe, expect, it } from 'vitest';
import { jobBody } from '../../kit/bodies/job.ts';
import { modelBody } from '../../kit/bodies/model.ts';
import { createTestClock } from '../../kit/clock.ts';
import { startGateway } from '../../kit/gateway/gateway.ts';
import { startUpstream } from '../../kit/gateway/upstream.ts';
import { startWorld, type World } from '../../kit/gateway/world.ts';
import { askAs } from '../../kit/process/token.ts';

const MODEL = 'query ($id: ID!) { model(id: $id) { fineTunability { methods rawMethods isKnown } } }';
const JOBS = '{ fineTuningJobs { edges { node { id } } } }';
const UNKNOWN = { methods: [], rawMethods: [], isKnown: false };
const NONE = { ...UNKNOWN, isKnown: true };

async function tunability(world: World, id: string, members: Record<string, unknown> = {}) {
  world.upstream.onModel(modelBody(id, members));
  return Object((await world.ask(MODEL, { id }))['model']).fineTunability;
}

const job = (number: number, model: string, method: unknown) =>
  jobBody({ id: `ftjob-00000000000000000000000${number}`, model, method });

describe('the fine-tunability of a model', () => {
  it.each([
    ['gpt-4.1-mini-2025-04-14', ['SUPERVISED', 'DPO']],
    ['gpt-4.1-mini', ['SUPERVISED', 'DPO']],
    ['o4-mini-2025-04-16', ['REINFORCEMENT']],
    ['gpt-4o-mini-2024-07-18', ['SUPERVISED']],
    ['babbage-002', ['SUPERVISED']],
  ])('is documented: %s', async (id, methods) => {
    await using world = await startWorld();
    expect(await tunability(world, id)).toEqual({
      methods,
      rawMethods: methods.map((name) => name.toLowerCase()),
      isKnown: true,
    });
  });

  it.each(['whisper-1', 'meta-llama/Llama-3.1-8B', 'gpt-5', 'ft:gpt-4.1-mini-2025-04-14:acme::abc'])(
    'is not known: %s',
    async (id) => {
      await using world = await startWorld();
      expect(await tunability(world, id)).toEqual(UNKNOWN);
    },
  );

  it('is what jobs of the account have used, without another upstream call', async () => {
    await using world = await startWorld();
    world.upstream.onJobs([
      job(4, 'llama', { type: 'dpo', dpo: {} }),
      job(3, 'llama', null), // Servers without methods.
      job(2, 'llama', { type: 'distillation' }),
      job(1, 'o4-mini', { type: 'supervised' }),
    ]);
    expect(await tunability(world, 'llama')).toEqual(UNKNOWN);
    await world.ask(JOBS);
    const calls = world.targets().length;
    world.clock.advance(1000);
    expect(await tunability(world, 'llama')).toEqual({
      methods: ['DPO', 'SUPERVISED', 'UNKNOWN'],
      rawMethods: ['dpo', 'supervised', 'distillation'],
      isKnown: true,
    });
    expect(await tunability(world, 'o4-mini')).toMatchObject({
      methods: ['REINFORCEMENT', 'SUPERVISED'],
      isKnown: true,
    });
    expect(world.targets().slice(calls)).toEqual(['/models/o4-mini']);
  });

  it('is not that of jobs of another account', async () => {
    await using upstream = await startUpstream();
    await using gateway = await startGateway(
      { OPENAI_BASE_URL: upstream.baseUrl, AUTH: 'passthrough' },
      createTestClock(),
    );
    upstream.onJobs([job(1, 'llama', { type: 'supervised' })]);
    upstream.onModel(modelBody('llama'));
    await askAs(gateway.url, 'Bearer key-of-ann', JOBS);
    const ask = (key: string) => askAs(gateway.url, `Bearer ${key}`, MODEL, 'POST', { id: 'llama' });
    expect((await ask('key-of-ann')).data?.['model']).toMatchObject({ fineTunability: { isKnown: true } });
    expect((await ask('key-of-bob')).data?.['model']).toEqual({ fineTunability: UNKNOWN });
  });

  it.each([
    ['shut down', { shutdown_date: '2020-01-01' }],
    ['closed for training on Azure', { deprecation: { fine_tune: 1_500_000_000, inference: 4_000_000_000 } }],
    ['not for training on Azure', { capabilities: { fine_tune: false } }],
  ])('is known to be none of a model that is %s', async (_, members) => {
    await using world = await startWorld();
    expect(await tunability(world, 'gpt-4.1-mini', members)).toEqual(NONE);
  });

  it('ignores capabilities of another form', async () => {
    await using world = await startWorld();
    const members = { capabilities: { fine_tune: 'no' }, deprecation: 1, shutdown_date: '2999-01-01' };
    expect(await tunability(world, 'o4-mini', members)).toMatchObject({ methods: ['REINFORCEMENT'], isKnown: true });
  });
});
