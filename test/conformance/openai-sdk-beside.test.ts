import OpenAI from 'openai';
import { expect, it } from 'vitest';
import { create, idOf, startSite } from '../kit/mutation/create-job.ts';

const JOB = 'query ($id: ID!) { fineTuningJob(id: $id) { status suffix seed metadata { key value } method { type } } }';

it('the official openai client reads a job that the gateway creates, and the reverse', async () => {
  await using site = await startSite();
  const gateway = await site.open();
  const client = new OpenAI({ baseURL: site.sandbox.baseUrl.href, apiKey: 'any', maxRetries: 0 });
  const { jobs } = client.fineTuning;
  const metadata = [{ key: 'team', value: 'a' }];
  const method = { supervised: { hyperparameters: { nEpochs: 2, batchSize: 'auto' } } };
  const id = String(idOf(await create(gateway, { ...site.input, suffix: 'mine', seed: 7, metadata, method })));
  expect(await jobs.retrieve(id)).toMatchObject({
    id,
    model: expect.stringMatching(/^gpt-4o-mini/),
    training_file: site.input.trainingFileId,
    seed: 7,
    metadata: { team: 'a' },
    method: { type: 'supervised', supervised: { hyperparameters: { n_epochs: 2, batch_size: 'auto' } } },
  });
  expect((await jobs.list({ metadata: { team: 'a' } })).data).toMatchObject([{ id }]);

  const { modelId: model, trainingFileId: training_file } = site.input;
  const created = await jobs.create({ model, training_file, suffix: 'theirs', seed: 8, metadata: { team: 'b' } });
  expect((await gateway.query(JOB, { id: created.id })).data).toEqual({
    fineTuningJob: {
      status: 'VALIDATING_FILES',
      suffix: 'theirs',
      seed: 8,
      metadata: [{ key: 'team', value: 'b' }],
      method: { type: 'SUPERVISED' },
    },
  });
  const cancel = `mutation { cancelFineTuningJob(input: { jobId: "${created.id}" }) { __typename } }`;
  expect((await gateway.query(cancel)).errors).toBeUndefined();
  expect((await jobs.retrieve(created.id)).status).toBe('cancelled');
  await jobs.cancel(id);
  site.clock.advance(1000);
  expect((await gateway.query(JOB, { id })).data).toMatchObject({ fineTuningJob: { status: 'CANCELLED' } });
});
