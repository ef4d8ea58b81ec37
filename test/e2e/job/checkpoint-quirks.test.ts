import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { checkpointBody } from '../../kit/bodies/checkpoint.ts';
import { fileBody } from '../../kit/bodies/file.ts';
import { jobBody } from '../../kit/bodies/job.ts';
import { modelBody } from '../../kit/bodies/model.ts';
import { startWorld, type World } from '../../kit/gateway/world.ts';
import { METRIC_FIELDS } from '../../kit/store/series.ts';

const CHECKPOINTS = '/fine_tuning/jobs/ftjob-1/checkpoints';
const MODEL = 'ft:gpt-4.1-mini-2025-04-14:acme::ckpt-1';

/** A world with one job and these checkpoints, newest first. */
async function startWith(...checkpoints: unknown[]): Promise<World> {
  const world = await startWorld();
  world.upstream.onJob(jobBody({ id: 'ftjob-1', status: 'succeeded' }));
  const [first_id, last_id] = [null, null];
  world.upstream.on(CHECKPOINTS, { object: 'list', data: checkpoints, has_more: false, first_id, last_id });
  return world;
}

const query = (selection: string) =>
  `{ fineTuningJob(id: "ftjob-1") { id checkpoints { edges { node { ${selection} } } } } }`;

/** The fields of a checkpoint whose body has these members too. */
async function readCheckpoint(members: Record<string, unknown>, selection: string): Promise<unknown> {
  await using world = await startWith(checkpointBody('ftckpt_1', members));
  const { fineTuningJob } = await world.ask(query(selection));
  return (fineTuningJob as { checkpoints: { edges: { node: unknown }[] } }).checkpoints.edges[0]?.node;
}

describe('a checkpoint', () => {
  it('has a field for every property', async () => {
    const body = checkpointBody('ftckpt_1', { fine_tuned_model_checkpoint: MODEL });
    await using world = await startWith(body);
    world.upstream.onModel(modelBody(MODEL, { created: 1_760_000_771 }));
    const selection = `id createdAt stepNumber fineTunedModelId fineTunedModel { id createdAt }
      metrics { step createdAt trainLoss trainMeanTokenAccuracy data } job { id status }`;
    const node = {
      id: 'ftckpt_1',
      createdAt: 1_760_000_770,
      stepNumber: 80,
      fineTunedModelId: MODEL,
      fineTunedModel: { id: MODEL, createdAt: 1_760_000_771 },
      metrics: {
        step: 80,
        createdAt: 1_760_000_770,
        trainLoss: 0.5,
        trainMeanTokenAccuracy: 0.9,
        data: { type: 'supervised', step: 80, train_loss: 0.5, train_mean_token_accuracy: 0.9 },
      },
      job: { id: 'ftjob-1', status: 'SUCCEEDED' },
    };
    expect(await world.ask(query(selection))).toEqual({
      fineTuningJob: { id: 'ftjob-1', checkpoints: { edges: [{ node }] } },
    });
  });

  it('has a field for every metric', async () => {
    const names = Object.entries(METRIC_FIELDS);
    const metrics = Object.fromEntries(names.map(([, wire], index) => [wire, index + 0.25]));
    expect(await readCheckpoint({ metrics }, `metrics { ${Object.keys(METRIC_FIELDS).join(' ')} }`)).toEqual({
      metrics: Object.fromEntries(names.map(([name], index) => [name, index + 0.25])),
    });
  });

  it('has metrics with a string among the numbers, as OpenAI sends them', async () => {
    const metrics = { type: 'supervised', step: 80, train_loss: 0.5, valid_loss: 'n/a' };
    expect(await readCheckpoint({ metrics }, 'metrics { trainLoss validLoss data }')).toEqual({
      metrics: { trainLoss: 0.5, validLoss: null, data: metrics },
    });
  });

  it.each([
    ['null', null, null],
    ['absent', undefined, null],
    ['a string', 'none', null],
    ['a list', [0.5], null],
    ['empty', {}, { trainLoss: null, fullValidLoss: null, data: {} }],
    ['all null', { train_loss: null }, { trainLoss: null, fullValidLoss: null, data: { train_loss: null } }],
  ])('is valid when its metrics are %s', async (_, metrics, expected) => {
    expect(await readCheckpoint({ metrics }, 'id metrics { trainLoss fullValidLoss data }')).toEqual({
      id: 'ftckpt_1',
      metrics: expected,
    });
  });

  it('has no metric when the upstream sends a number that is too large', async () => {
    await using world = await startWith();
    const body = JSON.stringify({
      data: [checkpointBody('ftckpt_1', { metrics: { train_loss: 'N', valid_loss: 2 } })],
    });
    world.upstream.on(CHECKPOINTS, (_: unknown, response: ServerResponse) =>
      response.end(body.replace('"N"', '1e999')),
    );
    expect(await world.ask(query('metrics { trainLoss validLoss }'))).toEqual({
      fineTuningJob: {
        id: 'ftjob-1',
        checkpoints: { edges: [{ node: { metrics: { trainLoss: null, validLoss: 2 } } }] },
      },
    });
  });

  it('has an integer step when the upstream sends 100.0', async () => {
    await using world = await startWith();
    const body = JSON.stringify({ data: [checkpointBody('ftchkpt-1', { step_number: 'N' })] }).replace('"N"', '100.0');
    world.upstream.on(CHECKPOINTS, (_: unknown, response: ServerResponse) => response.end(body));
    expect(await world.ask(query('stepNumber metrics { step }'))).toEqual({
      fineTuningJob: { id: 'ftjob-1', checkpoints: { edges: [{ node: { stepNumber: 100, metrics: { step: 100 } } }] } },
    });
  });

  it('is valid with its required properties only, on a page without first_id and last_id', async () => {
    await using world = await startWith();
    const bare = { id: 'ftchkpt-1', created_at: 1_760_000_000, step_number: 90, fine_tuned_model_checkpoint: 'm.ft-1' };
    world.upstream.on(CHECKPOINTS, { data: [bare] });
    expect(
      await world.ask(query('id createdAt stepNumber fineTunedModelId fineTunedModel { id } metrics { step }')),
    ).toEqual({
      fineTuningJob: {
        id: 'ftjob-1',
        checkpoints: {
          edges: [
            {
              node: {
                id: 'ftchkpt-1',
                createdAt: 1_760_000_000,
                stepNumber: 90,
                fineTunedModelId: 'm.ft-1',
                fineTunedModel: null,
                metrics: null,
              },
            },
          ],
        },
      },
    });
  });

  it('has no model when it was deleted, but its id', async () => {
    const members = { fine_tuned_model_checkpoint: MODEL };
    expect(await readCheckpoint(members, 'fineTunedModelId fineTunedModel { id }')).toEqual({
      fineTunedModelId: MODEL,
      fineTunedModel: null,
    });
  });
});

describe('the result files of a checkpoint', () => {
  it('are those that Nebius sends', async () => {
    await using world = await startWith(checkpointBody('ftckpt_1', { result_files: ['file-a', null, '', 'file-b'] }));
    world.upstream.onFile(fileBody('file-a', { filename: 'adapter.safetensors' }));
    expect(await world.ask(query('resultFileIds resultFiles { filename }'))).toMatchObject({
      fineTuningJob: {
        checkpoints: {
          edges: [
            { node: { resultFileIds: ['file-a', 'file-b'], resultFiles: [{ filename: 'adapter.safetensors' }, null] } },
          ],
        },
      },
    });
  });

  it.each([[undefined], [null], ['file-a'], [{}], [[{ id: 'file-a' }]]])('are empty for %j', async (result_files) => {
    expect(await readCheckpoint({ result_files }, 'resultFileIds')).toEqual({ resultFileIds: [] });
  });
});

describe('an invalid checkpoint', () => {
  it.each([
    ['has neither an id nor a step', { ...checkpointBody('x'), id: undefined, step_number: undefined }],
    ['has no creation time', checkpointBody('ftckpt_2', { created_at: null })],
    ['has no model', checkpointBody('ftckpt_2', { fine_tuned_model_checkpoint: null })],
    ['has no step', checkpointBody('ftckpt_2', { step_number: undefined })],
    ['has a string as its step', checkpointBody('ftckpt_2', { step_number: 'last' })],
    ['has a step beyond the range of Int', checkpointBody('ftckpt_2', { step_number: 2 ** 31 })],
    ['is null', null],
  ])('is an error of its own when it %s', async (_, invalid) => {
    await using world = await startWith(checkpointBody('ftckpt_3'), invalid, checkpointBody('ftckpt_1'));
    const { data, errors } = await world.gateway.query(query('id stepNumber'));
    expect(data).toMatchObject({
      fineTuningJob: {
        checkpoints: { edges: [{ node: { id: 'ftckpt_3' } }, { node: null }, { node: { id: 'ftckpt_1' } }] },
      },
    });
    expect(errors).toMatchObject([
      {
        path: ['fineTuningJob', 'checkpoints', 'edges', 1, 'node'],
        extensions: { code: 'UPSTREAM_INVALID_RESPONSE', upstreamStatus: 200 },
      },
    ]);
  });
});

describe('the checkpoints of a job', () => {
  it('are an empty page when there are none', async () => {
    await using world = await startWith();
    expect(
      await world.ask('{ fineTuningJob(id: "ftjob-1") { checkpoints { edges { cursor } pageInfo { endCursor } } } }'),
    ).toEqual({ fineTuningJob: { checkpoints: { edges: [], pageInfo: { endCursor: null } } } });
  });

  it('are read ten at a time by default', async () => {
    await using world = await startWith();
    await world.ask(query('id'));
    expect(world.upstream.calls.at(-1)?.target).toBe(`${CHECKPOINTS}?limit=10`);
  });

  it('have their models by one call', async () => {
    const models = ['a', 'b', 'c'].map((name) => modelBody(`${MODEL}${name}`));
    const checkpoints = models.map(({ id }) => checkpointBody(`ckpt-${id}`, { fine_tuned_model_checkpoint: id }));
    await using world = await startWith(...checkpoints);
    world.upstream.onModels(models);
    expect(await world.ask(query('fineTunedModel { id }'))).toMatchObject({
      fineTuningJob: { checkpoints: { edges: models.map(({ id }) => ({ node: { fineTunedModel: { id } } })) } },
    });
    expect(world.targets()).toEqual(['/fine_tuning/jobs/ftjob-1', CHECKPOINTS, '/models']);
  });
});
