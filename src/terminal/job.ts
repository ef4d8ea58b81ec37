import { z } from 'zod';

/** A job as the client reads it. The documents are in `gateway-client.ts`. */
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

/** A point of the metrics. Reinforcement jobs have a reward, all others a loss. */
export const Point = z.object({
  step: z.number(),
  trainLoss: z.number().nullable(),
  trainMeanReward: z.number().nullable(),
});
export type Point = z.output<typeof Point>;

/** Display name: the suffix, or the id of a job without one. */
export const nameOf = ({ suffix, id }: Job): string => suffix ?? id;
