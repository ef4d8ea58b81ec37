import { describe, expect, it } from 'vitest';
import type { Point } from '../../../src/dashboard/chart/metric.ts';
import { type Compared, differencesOf } from '../../../src/dashboard/compare/differences.ts';
import { endedBefore, overlayOf, valueAt } from '../../../src/dashboard/compare/overlay.ts';

const point = (step: number, trainLoss: number | null): Point => ({
  step,
  createdAt: null,
  trainLoss,
  validLoss: null,
  fullValidLoss: null,
  trainMeanTokenAccuracy: null,
  validMeanTokenAccuracy: null,
  fullValidMeanTokenAccuracy: null,
  trainMeanReward: null,
  validMeanReward: null,
  fullValidMeanReward: null,
});

const compared = (id: string, points: readonly Point[], members: Partial<Compared['job']> = {}): Compared => ({
  job: {
    id,
    status: 'SUCCEEDED',
    rawStatus: 'succeeded',
    isTerminal: true,
    modelId: 'gpt-4.1',
    suffix: null,
    createdAt: 1_767_225_600,
    trainingFileId: 'file-a',
    validationFileId: null,
    trainingFile: { filename: 'a.jsonl' },
    validationFile: null,
    trainedTokens: null,
    seed: 42,
    metadata: [],
    method: {
      rawType: 'supervised',
      hyperparameters: { nEpochs: 3, batchSize: 8, learningRateMultiplier: 1.8 },
    },
    ...members,
  },
  points,
});

describe('a comparison', () => {
  it('lists the facts that differ, and no other', () => {
    const method = {
      rawType: 'supervised',
      hyperparameters: { nEpochs: 5, batchSize: 8, learningRateMultiplier: 1.8 },
    };
    const metadata = [{ key: 'team', value: 'support' }];
    const first = compared('ftjob-a', [point(1, 2), point(2, 0.5)]);
    const second = compared('ftjob-b', [point(1, 2), point(2, 0.25)], {
      seed: 7,
      method,
      metadata,
      trainingFileId: 'file-b',
    });
    expect(differencesOf([first, second])).toEqual([
      { name: 'Epochs', values: ['3', '5'] },
      { name: 'Training file', values: ['a.jsonl (file-a)', 'a.jsonl (file-b)'] },
      { name: 'Seed', values: ['42', '7'] },
      { name: 'Training loss, last', values: ['0.5', '0.25'] },
      { name: 'Metadata: team', values: ['', 'support'] },
    ]);
    expect(differencesOf([first, first])).toEqual([]);
  });

  it('draws each job over the steps of all jobs', () => {
    const jobs = [compared('ftjob-a', [point(1, 4), point(5, 2)]), compared('ftjob-b', [point(2, 3), point(5, null)])];
    const { xs, lines } = overlayOf(jobs, 'trainLoss', 'step', { smooth: 0, isLog: false });
    expect(xs).toEqual([1, 2, 5]);
    expect(lines.map(({ label, values }) => [label, values])).toEqual([
      ['ftjob-a', [4, null, 2]],
      ['ftjob-b', [null, 3, null]],
    ]);
    expect(lines.map((line) => [0, 1, 2].map((index) => valueAt(line, index)))).toEqual([
      [4, 4, 2],
      [null, 3, 3],
    ]);
  });

  it('aligns jobs of different lengths by the percent of their steps', () => {
    const jobs = [compared('ftjob-a', [point(1, 4), point(2, 2)]), compared('ftjob-b', [point(5, 3), point(10, 1)])];
    const { xs, lines } = overlayOf(jobs, 'trainLoss', 'percent', { smooth: 0, isLog: false });
    expect(xs).toEqual([50, 100]);
    expect(lines.map(({ values }) => values)).toEqual([
      [4, 2],
      [3, 1],
    ]);
  });

  it('knows that a job has no step at a later position', () => {
    const job = compared('ftjob-a', [point(1, 4), point(45, 2)]);
    expect(endedBefore(job, 'step', 280)).toBe(45);
    expect(endedBefore(job, 'step', 45)).toBeNull();
    expect(endedBefore(job, 'percent', 100)).toBeNull();
  });

  it('keeps the raw curves behind smoothed ones', () => {
    const jobs = [compared('ftjob-a', [point(1, 4), point(2, 2)])];
    const { lines, rawLines } = overlayOf(jobs, 'trainLoss', 'step', { smooth: 0.5, isLog: false });
    expect(rawLines.map(({ values, isFaint }) => [values, isFaint])).toEqual([[[4, 2], true]]);
    expect(lines[0]?.values[1]).toBeGreaterThan(2);
    expect(overlayOf(jobs, 'trainLoss', 'step', { smooth: 0, isLog: false }).rawLines).toEqual([]);
  });

  it('has no value that a logarithmic axis cannot show', () => {
    const { lines } = overlayOf([compared('ftjob-a', [point(1, 0), point(2, 1)])], 'trainLoss', 'step', {
      smooth: 0,
      isLog: true,
    });
    expect(lines[0]?.values).toEqual([null, 1]);
  });
});
