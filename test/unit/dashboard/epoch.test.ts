import { describe, expect, it } from 'vitest';
import { stepsPerEpochOf } from '../../../src/dashboard/job/epoch.ts';

type Job = Parameters<typeof stepsPerEpochOf>[0];
type Points = Parameters<typeof stepsPerEpochOf>[1]['points'];

const hyperparameters = (nEpochs: number | 'auto') => ({ nEpochs, batchSize: 1, learningRateMultiplier: 1 });

const job = (members: Partial<Job> = {}): Job => ({
  status: 'RUNNING',
  method: { rawType: 'supervised', hyperparameters: hyperparameters('auto') },
  hyperparameters: hyperparameters('auto'),
  progress: { step: 60, totalSteps: 240, epoch: null, fraction: 0.25, estimatedFinishAt: null },
  ...members,
});

const curve = (steps: number, validatedAt: readonly number[] = []): Points =>
  Array.from({ length: steps }, (_, index) => ({
    step: index + 1,
    fullValidLoss: validatedAt.includes(index + 1) ? 0.5 : null,
    fullValidMeanTokenAccuracy: null,
  }));

const stepsPerEpoch = (members: Partial<Job>, points = curve(60), checkpointSteps: readonly number[] = []) =>
  stepsPerEpochOf(job(members), { points, checkpointSteps });

describe('the steps of an epoch', () => {
  it('are the steps of the training divided by its epochs, wherever a job has them', () => {
    const method = { rawType: 'supervised', hyperparameters: hyperparameters(3) };
    expect(stepsPerEpoch({ method })).toBe(80);
    expect(stepsPerEpoch({ hyperparameters: hyperparameters(4) })).toBe(60);
  });

  it('are known by the last step when the job has succeeded', () => {
    const members = { status: 'SUCCEEDED', progress: null, hyperparameters: hyperparameters(2) } as const;
    expect(stepsPerEpoch(members, curve(50))).toBe(25);
    expect(stepsPerEpoch({ ...members, status: 'CANCELLED' }, curve(50))).toBeNull();
  });

  it('are known by the progress while the epochs of the job are still auto', () => {
    const progress = { step: 60, totalSteps: 240, epoch: 0.75, fraction: 0.25, estimatedFinishAt: null };
    expect(stepsPerEpoch({ progress })).toBe(80);
  });

  it('are the distance of full validations or checkpoints, which are at the end of each epoch', () => {
    expect(stepsPerEpoch({}, curve(200, [80, 160]))).toBe(80);
    expect(stepsPerEpoch({}, curve(500), [500, 400, 300])).toBe(100);
  });

  it.each([
    ['nothing tells them', curve(100), []],
    ['one validation tells nothing', curve(100, [80]), []],
    ['a checkpoint of a pause is between them', curve(300), [70, 100, 200]],
  ])('are not known: %s', (_, points, checkpointSteps) => {
    expect(stepsPerEpoch({}, points, checkpointSteps)).toBeNull();
  });

  it('are not the distance of validations in reinforcement, whose interval is a hyperparameter', () => {
    const method = { rawType: 'reinforcement' } as Job['method']; // Its other members do not matter.
    expect(stepsPerEpoch({ method }, curve(100, [10, 20]))).toBeNull();
  });
});
