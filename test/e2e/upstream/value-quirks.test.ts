import { describe, expect, it } from 'vitest';
import { checkpointBody } from '../../kit/bodies/checkpoint.ts';
import { eventBody, stepBody } from '../../kit/bodies/event.ts';
import { fileBody } from '../../kit/bodies/file.ts';
import { jobBody } from '../../kit/bodies/job.ts';
import { modelBody } from '../../kit/bodies/model.ts';
import { startFeed } from '../../kit/gateway/feed.ts';
import { startWorld } from '../../kit/gateway/world.ts';

// Numbers and times as other servers write them (docs/upstream.md: Times and numbers).

/** 2024-07-23T20:00:00Z. */
const TIME = 1_721_764_800;
const SPELLINGS = {
  'text of seconds': '1721764800',
  'text of seconds with a fraction': '1721764800.5',
  milliseconds: 1_721_764_800_123,
  'text of milliseconds': '1721764800123',
  'ISO 8601': '2024-07-23T20:00:00Z',
  'ISO 8601 with a fraction': '2024-07-23T20:00:00.123456Z',
  'ISO 8601 without a zone': '2024-07-23T20:00:00',
  'ISO 8601 with an offset': '2024-07-23T22:00:00+02:00',
  'the form of Python': '2024-07-23 20:00:00.123456+00:00',
};

/** Every place of the REST API with a time, with the same spelling. */
async function startAt(time: unknown) {
  const world = await startWorld({ OPENAI_ADMIN_KEY: 'an-admin-key' });
  const { upstream } = world;
  const job = jobBody({ id: 'ftjob-1', created_at: time, finished_at: time, estimated_finish: time });
  upstream.onJob(job);
  upstream.onJobs([job]);
  upstream.onEvents('ftjob-1', [eventBody('ftevent-1', { created_at: time })]);
  const checkpoint = checkpointBody('ftckpt_1', { created_at: time, fine_tuned_model_checkpoint: 'm' });
  upstream.onCheckpoints('ftjob-1', [checkpoint]);
  upstream.onFiles([fileBody('file-1', { created_at: time, expires_at: time })]);
  upstream.onModels([modelBody('m', { created: time })]);
  const permissions = [{ id: 'cp_1', object: 'checkpoint.permission', created_at: time, project_id: 'proj_1' }];
  upstream.on('/fine_tuning/checkpoints/m/permissions', { object: 'list', data: permissions, has_more: false });
  return world;
}

const EVERY_TIME = `{
  fineTuningJob(id: "ftjob-1") {
    createdAt finishedAt estimatedFinishAt raw
    events { edges { node { createdAt } } }
    checkpoints { edges { node { createdAt metrics { createdAt } permissions { edges { node { createdAt } } } } } }
  }
  fineTuningJobs { edges { node { createdAt finishedAt } } }
  file(id: "file-1") { createdAt expiresAt }
  files { edges { node { createdAt expiresAt } } }
  model(id: "m") { createdAt }
  models { edges { node { createdAt } } }
}`;

/** The names and values of all times in a response. */
function timesIn(value: unknown): unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, member]) =>
    name === 'raw' ? [] : name.endsWith('At') ? [member] : timesIn(member),
  );
}

describe('every time', () => {
  it.each(Object.entries(SPELLINGS))('is right when the upstream sends %s', async (_, spelling) => {
    await using world = await startAt(spelling);
    const data = await world.ask<{ fineTuningJob: { raw: unknown } }>(EVERY_TIME);
    expect(timesIn(data)).toEqual(Array.from({ length: 15 }, () => TIME));
    expect(data.fineTuningJob.raw).toMatchObject({ created_at: spelling, finished_at: spelling });
  });

  it.each(['20240723', 'yesterday', 1e11, 1_721_764_800_123_456, '2024-02-30', true])(
    'that can be null is null, and otherwise the item is an error, when the upstream sends %j',
    async (spelling) => {
      await using world = await startAt(spelling);
      const job = jobBody({ id: 'ftjob-1', finished_at: spelling, estimated_finish: spelling });
      world.upstream.onJob(job);
      world.upstream.onFile(fileBody('file-1', { expires_at: spelling }));
      expect(
        await world.ask(`{
          fineTuningJob(id: "ftjob-1") { finishedAt estimatedFinishAt }
          file(id: "file-1") { expiresAt }
          model(id: "m") { createdAt }
        }`),
      ).toEqual({
        fineTuningJob: { finishedAt: null, estimatedFinishAt: null },
        file: { expiresAt: null },
        model: { createdAt: null },
      });
      const { data, errors } = await world.gateway.query(
        '{ fineTuningJob(id: "ftjob-1") { events { edges { node { createdAt } } } } }',
      );
      expect(data).toEqual({ fineTuningJob: { events: { edges: [{ node: null }] } } });
      expect(errors).toMatchObject([{ extensions: { code: 'UPSTREAM_INVALID_RESPONSE' } }]);
    },
  );
});

describe('every number', () => {
  const HYPERPARAMETERS = { n_epochs: '3', batch_size: '8', learning_rate_multiplier: '0.1' };
  const METRICS = { step: '10', total_steps: '20', train_loss: '1.5', valid_loss: '-1', train_mean_reward: '-1' };

  it('is right in a job and a file when the upstream sends its text', async () => {
    await using world = await startWorld();
    const method = { type: 'dpo', dpo: { hyperparameters: { ...HYPERPARAMETERS, beta: '0.5', batch_size: '-1' } } };
    const numbers = { trained_tokens: '12345', seed: '42', hyperparameters: HYPERPARAMETERS, method };
    world.upstream.onJob(jobBody({ id: 'ftjob-1', ...numbers }));
    world.upstream.onFile(fileBody('file-1', { bytes: '5000000000' }));
    expect(
      await world.ask(`{
        fineTuningJob(id: "ftjob-1") {
          trainedTokens seed raw
          hyperparameters { nEpochs batchSize learningRateMultiplier }
          method { ... on FineTuningJobDpoMethod { hyperparameters { nEpochs batchSize beta } } }
        }
        file(id: "file-1") { bytes }
      }`),
    ).toEqual({
      fineTuningJob: {
        trainedTokens: 12_345,
        seed: 42,
        raw: expect.objectContaining(numbers),
        hyperparameters: { nEpochs: 3, batchSize: 8, learningRateMultiplier: 0.1 },
        method: { hyperparameters: { nEpochs: 3, batchSize: 'auto', beta: 0.5 } },
      },
      file: { bytes: 5_000_000_000 },
    });
  });

  it.each(['', ' ', '0x10', '1e400', '12abc', '1.5', '9007199254740993', [3], true, {}])(
    'is null in a job when the upstream sends %j for an integer',
    async (text) => {
      await using world = await startWorld();
      world.upstream.onJob(
        jobBody({ id: 'ftjob-1', trained_tokens: text, seed: text, hyperparameters: { n_epochs: text } }),
      );
      expect(
        await world.ask('{ fineTuningJob(id: "ftjob-1") { trainedTokens seed hyperparameters { nEpochs } } }'),
      ).toEqual({ fineTuningJob: { trainedTokens: null, seed: null, hyperparameters: { nEpochs: null } } });
    },
  );

  const POINT = 'step trainLoss validLoss validMeanTokenAccuracy trainMeanReward data';
  const EXPECTED = { step: 10, trainLoss: 1.5, validLoss: null, validMeanTokenAccuracy: null, trainMeanReward: -1 };

  it('is right in events when the upstream sends its text, and `data` is unchanged', async () => {
    await using world = await startWorld();
    world.upstream.onJob(jobBody({ id: 'ftjob-1' }));
    world.upstream.onEvents('ftjob-1', [eventBody('ftevent-1', { data: METRICS, type: 'metrics' })]);
    expect(
      await world.ask(`{ fineTuningJob(id: "ftjob-1") {
        progress { step totalSteps fraction }
        metrics { points { ${POINT} } }
        events { edges { node { data } } }
      } }`),
    ).toEqual({
      fineTuningJob: {
        progress: { step: 10, totalSteps: 20, fraction: 0.5 },
        metrics: { points: [{ ...EXPECTED, data: METRICS }] },
        events: { edges: [{ node: { data: METRICS } }] },
      },
    });
  });

  it('is right in checkpoints when the upstream sends its text, and `data` is unchanged', async () => {
    await using world = await startWorld();
    world.upstream.onJob(jobBody({ id: 'ftjob-1' }));
    world.upstream.onCheckpoints('ftjob-1', [checkpointBody('ftckpt_1', { step_number: '10', metrics: METRICS })]);
    const { fineTuningJob } = await world.ask(
      `{ fineTuningJob(id: "ftjob-1") { checkpoints { edges { node { stepNumber metrics { ${POINT} } } } } } }`,
    );
    expect(fineTuningJob).toEqual({
      checkpoints: { edges: [{ node: { stepNumber: 10, metrics: { ...EXPECTED, data: METRICS } } }] },
    });
  });

  it('is right for subscribers when the upstream sends its text', async () => {
    await using feed = await startFeed();
    feed.upstream.onJob(jobBody({ id: 'ftjob-1' }));
    feed.upstream.onEvents('ftjob-1', [
      { ...stepBody(2, 9, { step: '2', train_loss: '0.5' }), created_at: String(TIME) },
    ]);
    const stream = await feed.subscribe(
      `subscription { fineTuningJobMetricsAdded(jobId: "ftjob-1", sinceStep: 0) { point { step trainLoss createdAt } } }`,
    );
    await feed.advanceBy(0);
    expect(await stream.result()).toEqual({
      data: { fineTuningJobMetricsAdded: { point: { step: 2, trainLoss: 0.5, createdAt: TIME } } },
    });
  });
});

describe('-1 as a number', () => {
  const metrics = { train_loss: -1, full_valid_mean_token_accuracy: -1, train_mean_reward: -1, step: 10 };
  const point = 'trainLoss fullValidMeanTokenAccuracy trainMeanReward data';
  const expected = { trainLoss: null, fullValidMeanTokenAccuracy: null, trainMeanReward: -1, data: metrics };

  it('is no loss and no accuracy but a reward, in events and in checkpoints', async () => {
    await using world = await startWorld();
    world.upstream.onJob(jobBody({ id: 'ftjob-1' }));
    world.upstream.onEvents('ftjob-1', [eventBody('ftevent-1', { data: metrics })]);
    world.upstream.onCheckpoints('ftjob-1', [checkpointBody('ftckpt_1', { metrics })]);
    expect(
      await world.ask(`{ fineTuningJob(id: "ftjob-1") {
        metrics { points { ${point} } } checkpoints { edges { node { metrics { ${point} } } } }
      } }`),
    ).toEqual({
      fineTuningJob: { metrics: { points: [expected] }, checkpoints: { edges: [{ node: { metrics: expected } }] } },
    });
  });
});

describe('the names of metrics on Azure', () => {
  const members = { step: 1, validation_mean_token_accuracy: 0.25, full_validation_mean_token_accuracy: 0.5 };
  const point = 'validMeanTokenAccuracy fullValidMeanTokenAccuracy data';
  const expected = { validMeanTokenAccuracy: 0.25, fullValidMeanTokenAccuracy: 0.5, data: members };

  it('are read in a results file, in events and in checkpoints', async () => {
    await using world = await startWorld();
    world.upstream.onJob(jobBody({ id: 'ftjob-1', status: 'succeeded', result_files: ['file-results'] }));
    world.upstream.onContent(
      'file-results',
      `${Object.keys(members).join(',')}\n${Object.values(members).join(',')}\n`,
    );
    world.upstream.onCheckpoints('ftjob-1', [checkpointBody('ftckpt_1', { metrics: members })]);
    world.upstream.onJob(jobBody({ id: 'ftjob-2' }));
    world.upstream.onEvents('ftjob-2', [eventBody('ftevent-1', { data: members })]);
    expect(
      await world.ask(`{
        ended: fineTuningJob(id: "ftjob-1") {
          metrics { points { ${point} } } checkpoints { edges { node { metrics { ${point} } } } }
        }
        running: fineTuningJob(id: "ftjob-2") { metrics { points { ${point} } } }
      }`),
    ).toEqual({
      ended: { metrics: { points: [expected] }, checkpoints: { edges: [{ node: { metrics: expected } }] } },
      running: { metrics: { points: [expected] } },
    });
  });
});

describe('a results file with hundreds of columns', () => {
  const names = Array.from({ length: 400 }, (_, index) => `grader_${index}_mean`);
  const csvOf = (rows: number) =>
    [
      ['step', 'train_mean_reward', ...names].join(','),
      ...Array.from({ length: rows }, (_, row) => [row + 1, 0.5, ...names.map((__, index) => index)].join(',')),
    ].join('\n');

  it('has every column in data', async () => {
    await using world = await startWorld();
    world.upstream.onJob(jobBody({ id: 'ftjob-1', status: 'succeeded', result_files: ['file-results'] }));
    world.upstream.onContent('file-results', csvOf(1));
    expect(
      await world.ask('{ fineTuningJob(id: "ftjob-1") { metrics { points { step trainMeanReward data } } } }'),
    ).toEqual({
      fineTuningJob: {
        metrics: {
          points: [
            {
              step: 1,
              trainMeanReward: 0.5,
              data: {
                step: 1,
                train_mean_reward: 0.5,
                ...Object.fromEntries(names.map((name, index) => [name, index])),
              },
            },
          ],
        },
      },
    });
  });

  it('has at most a million values in one curve', async () => {
    await using world = await startWorld();
    world.upstream.onJob(jobBody({ id: 'ftjob-1', status: 'succeeded', result_files: ['file-results'] }));
    world.upstream.onContent('file-results', csvOf(3000));
    const { fineTuningJob } = await world.ask(
      '{ fineTuningJob(id: "ftjob-1") { metrics(maxPoints: 10000) { totalPoints isComplete points { step } } } }',
    );
    const { totalPoints, isComplete, points } = Object(fineTuningJob).metrics;
    expect([totalPoints, isComplete, points.length]).toEqual([3000, true, Math.floor(1_000_000 / 402)]);
  });
});
