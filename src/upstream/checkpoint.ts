import { z } from 'zod';
import { orNullIfUnreadable, timestamp } from './repair.ts';

// Azure writes steps as 100.0 and OpenAI adds a string among the numbers of `metrics` (UPSTREAM.md 1.4, 5).
const fields = z.object({
  id: z.string().min(1),
  created_at: timestamp,
  fine_tuned_model_checkpoint: z.string(),
  fine_tuning_job_id: orNullIfUnreadable(z.string()),
  step_number: z.number().transform(Math.trunc),
  metrics: z.record(z.string(), z.unknown()).nullish().catch(null),
});

/** A checkpoint as servers write it. */
export type CheckpointBody = z.input<typeof fields>;

/** A model that a job has saved on its way, in wire spelling, repaired. */
export type Checkpoint = z.output<typeof fields>;

/** Throws a ZodError when the body lacks what identifies a checkpoint: id, created_at, its model and its step. */
export function readCheckpoint(body: unknown): Checkpoint {
  return fields.parse(body);
}
