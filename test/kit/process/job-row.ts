import type { Job } from '../../../src/terminal/job.ts';
import type { Row } from '../../../src/terminal/job-table.ts';

/** A job of the terminal client; running unless `members` say otherwise. */
export const terminalJob = (members: Partial<Job> = {}): Job => ({
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

export const terminalRow = (members: Partial<Job> = {}, losses: readonly number[] = [], fraction = 0.25): Row => ({
  job: terminalJob(members),
  progress: {
    step: losses.length,
    totalSteps: losses.length * 4,
    fraction,
    estimatedFinishAt: 1_767_225_600 + 200,
  },
  curve: losses.map((trainLoss, index) => ({ step: index + 1, trainLoss, trainMeanReward: null })),
});
