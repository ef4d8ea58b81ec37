import type { Job } from '../../../src/terminal/job.ts';
import type { Row } from '../../../src/terminal/job-table.ts';

/** A job as the picture has it, that runs unless told otherwise. */
export const pictureJob = (members: Partial<Job> = {}): Job => ({
  id: 'ftjob-1',
  status: 'RUNNING',
  rawStatus: 'running',
  isTerminal: false,
  createdAt: 1_767_225_600,
  suffix: 'tone',
  modelId: 'gpt-4o',
  fineTunedModelId: null,
  error: null,
  ...members,
});

export const pictureRow = (members: Partial<Job> = {}, losses: readonly number[] = [], fraction = 0.25): Row => ({
  job: pictureJob(members),
  progress: {
    step: losses.length,
    totalSteps: losses.length * 4,
    fraction,
    estimatedFinishAt: 1_767_225_600 + 200,
  },
  curve: losses.map((trainLoss, index) => ({ step: index + 1, trainLoss, trainMeanReward: null })),
});
