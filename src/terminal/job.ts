import { z } from 'zod';

/** What the picture asks of a job, and reads of the answer. The documents stand in `feed.ts`. */
export const Job = z.object({
  id: z.string(),
  status: z.string(),
  rawStatus: z.string(),
  isTerminal: z.boolean(),
  /** Seconds since the epoch. */
  createdAt: z.number(),
  suffix: z.string().nullable(),
  modelId: z.string(),
  fineTunedModelId: z.string().nullable(),
  error: z.object({ message: z.string().nullable() }).nullable(),
});
export type Job = z.output<typeof Job>;

export const Progress = z
  .object({
    step: z.number().nullable(),
    totalSteps: z.number().nullable(),
    /** From 0 to 1. */
    fraction: z.number().nullable(),
    /** Seconds since the epoch. */
    estimatedFinishAt: z.number().nullable(),
  })
  .nullable();
export type Progress = z.output<typeof Progress>;

/** Jobs that learn by reinforcement have a reward, the others a loss. */
export const Point = z.object({
  step: z.number(),
  trainLoss: z.number().nullable(),
  trainMeanReward: z.number().nullable(),
});
export type Point = z.output<typeof Point>;

/** How people call a job: by its suffix, if it has one. */
export const nameOf = ({ suffix, id }: Job): string => suffix ?? id;
