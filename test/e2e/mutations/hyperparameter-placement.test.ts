import type { IncomingMessage, ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { jobBody } from '../../kit/bodies/job.ts';
import { startGateway } from '../../kit/gateway/gateway.ts';
import { startUpstream, writeResponse } from '../../kit/gateway/upstream.ts';
import { create } from '../../kit/mutation/create-job.ts';

type Body = Record<string, unknown>;

/** A gateway, and the bodies of its create requests. */
async function start(settingsOf: (origin: string) => Record<string, string>) {
  const upstream = await startUpstream();
  const sent: Body[] = [];
  upstream.failAll(async (request: IncomingMessage, response: ServerResponse) => {
    if (request.method === 'GET') return writeResponse(response, 200, { object: 'list', data: [], has_more: false });
    sent.push((await json(request)) as Body); // The gateway sends an object.
    writeResponse(response, 200, jobBody({ id: `ftjob-${sent.length}` }));
  });
  const key = { ALLOW_MUTATIONS: 'on' };
  const gateway = await startGateway({ ...key, ...settingsOf(new URL(upstream.baseUrl).origin) });
  return {
    gateway,
    sent,
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
    },
  };
}

const azure =
  (version?: string, path = '') =>
  (origin: string) => ({
    UPSTREAM: 'azure',
    AZURE_OPENAI_ENDPOINT: origin + path,
    AZURE_OPENAI_API_KEY: `test-${crypto.randomUUID()}`,
    ...(version !== undefined && { OPENAI_API_VERSION: version }),
  });
const other = (placement?: string) => (origin: string) => ({
  OPENAI_BASE_URL: `${origin}/v1`,
  ...(placement !== undefined && { UPSTREAM_HYPERPARAMETERS: placement }),
});

const INPUT = { modelId: 'gpt-4o-2024-08-06', trainingFileId: 'file-1' };
const TYPED = { method: { supervised: { hyperparameters: { nEpochs: 2, learningRateMultiplier: 0.5 } } } };
const EXTRA = { extra: { hyperparameters: { n_epochs: 10, batch_size: 32, lora: true, lora_r: 16 } } };
const LORA = { extra: { hyperparameters: { lora_r: 16 } } };

const SENT = { model: INPUT.modelId, training_file: 'file-1' };
const TWO = { n_epochs: 2, learning_rate_multiplier: 0.5 };
const TEN = { n_epochs: 10, batch_size: 32, lora: true, lora_r: 16 };
const supervised = (hyperparameters: object) => ({ method: { type: 'supervised', supervised: { hyperparameters } } });

describe('the hyperparameters of a supervised job are sent where the server looks', () => {
  it.each<[string, (origin: string) => Record<string, string>, object, object, object]>([
    [
      'Azure 2024-10-21',
      azure('2024-10-21'),
      { hyperparameters: TWO },
      { hyperparameters: TEN },
      { hyperparameters: { ...TWO, lora_r: 16 } },
    ],
    [
      'Azure of 2025',
      azure('2025-04-01-preview'),
      supervised(TWO),
      supervised(TEN),
      supervised({ ...TWO, lora_r: 16 }),
    ],
    [
      'Azure v1 on any domain',
      azure(undefined, '/openai/v1'),
      supervised(TWO),
      supervised(TEN),
      supervised({ ...TWO, lora_r: 16 }),
    ],
    [
      'an unknown server',
      other(),
      { ...supervised(TWO), hyperparameters: TWO },
      { hyperparameters: TEN },
      { ...supervised({ ...TWO, lora_r: 16 }), hyperparameters: { ...TWO, lora_r: 16 } },
    ],
    [
      'a server with the setting method',
      other('method'),
      supervised(TWO),
      supervised(TEN),
      supervised({ ...TWO, lora_r: 16 }),
    ],
    [
      'a server with the setting top',
      other('top'),
      { hyperparameters: TWO },
      { hyperparameters: TEN },
      { hyperparameters: { ...TWO, lora_r: 16 } },
    ],
  ])('by %s', async (_, settings, typed, extra, merged) => {
    await using world = await start(settings);
    for (const input of [TYPED, EXTRA, { ...TYPED, ...LORA }, {}]) {
      expect((await create(world.gateway, { ...INPUT, ...input })).__typename).toBe('CreateFineTuningJobSuccess');
    }
    expect(world.sent).toEqual([typed, extra, merged, {}].map((members) => ({ ...SENT, ...members })));
  });
});

it('the value auto is not sent at the top of the request, where some servers know numbers only', async () => {
  await using world = await start(other());
  const both = { nEpochs: 'auto', batchSize: 4 };
  for (const hyperparameters of [both, { nEpochs: 'auto' }]) {
    await create(world.gateway, { ...INPUT, method: { supervised: { hyperparameters } } });
  }
  expect(world.sent).toEqual([
    { ...SENT, ...supervised({ n_epochs: 'auto', batch_size: 4 }), hyperparameters: { batch_size: 4 } },
    { ...SENT, ...supervised({ n_epochs: 'auto' }) },
  ]);
});

describe('hyperparameters that only the server knows', () => {
  it.each<[object, string]>([
    [{ ...TYPED, extra: { hyperparameters: { n_epochs: 3, lora_r: 16 } } }, 'extra.hyperparameters.n_epochs'],
    [{ ...TYPED, extra: { hyperparameters: { n_epochs: 2 } } }, 'extra.hyperparameters.n_epochs'],
    [{ extra: { hyperparameters: [1] } }, 'extra.hyperparameters'],
    [{ extra: { hyperparameters: null } }, 'extra.hyperparameters'],
    [
      { method: { dpo: { hyperparameters: { beta: 1 }, extra: { hyperparameters: { beta: 2 } } } } },
      'method.dpo.extra.hyperparameters.beta',
    ],
  ])('do not override those of the input: %j', async (input, path) => {
    await using world = await start(other());
    const created = await create(world.gateway, { ...INPUT, ...input });
    expect(created).toMatchObject({ __typename: 'InvalidInputError', code: 'BAD_USER_INPUT' });
    expect(created.issues?.map((issue) => issue.path.join('.'))).toEqual([path]);
    expect(world.sent).toEqual([]);
  });

  it('are sent within the method when they are given there', async () => {
    await using world = await start(other());
    const dpo = { hyperparameters: { beta: 1 }, extra: { hyperparameters: { lora_r: 16 } } };
    await create(world.gateway, { ...INPUT, method: { dpo } });
    const hyperparameters = { beta: 1, lora_r: 16 };
    expect(world.sent).toEqual([{ ...SENT, method: { type: 'dpo', dpo: { hyperparameters } } }]);
  });
});

it('another method is refused for a server that knows none, before anything is paid', async () => {
  await using world = await start(azure('2024-10-21'));
  const created = await create(world.gateway, { ...INPUT, method: { dpo: { hyperparameters: { beta: 1 } } } });
  expect(created.issues).toEqual([
    {
      path: ['method', 'dpo'],
      message:
        'is a method that this upstream does not know; expected supervised, or UPSTREAM_HYPERPARAMETERS=method if it does',
    },
  ]);
  expect(world.sent).toEqual([]);
});

it('the mark of an idempotency key is the same wherever the hyperparameters are sent', async () => {
  const key = { OPENAI_API_KEY: `test-${crypto.randomUUID()}` };
  const marks: unknown[] = [];
  for (const placement of ['method', 'top', 'both']) {
    await using world = await start((origin) => ({ ...other(placement)(origin), ...key }));
    await create(world.gateway, { ...INPUT, ...TYPED, ...LORA, idempotencyKey: 'k' });
    marks.push(world.sent[0]?.['metadata']);
  }
  expect(marks[0]).toMatchObject({ finetune_gateway_request: expect.any(String) });
  expect(marks).toEqual([marks[0], marks[0], marks[0]]);
});
