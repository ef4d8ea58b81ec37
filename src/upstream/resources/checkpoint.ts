import { z } from 'zod';
import { path } from '../http/path.ts';
import type { RestClient } from '../http/rest-client.ts';
import type { Call } from '../resilience/transport.ts';
import { readAfterDerivedId, withDerivedIds } from './derived-id.ts';
import { identifier, nullIfInvalid, stepNumber, timestamp } from './lenient-schema.ts';
import { type Page, type PageRequest, readPage } from './page.ts';

// Azure writes steps as 100.0. OpenAI's `metrics` have a string among the numbers (docs/upstream.md: Objects, Other servers).
const fields = z.object({
  id: identifier,
  created_at: timestamp,
  fine_tuned_model_checkpoint: z.string(),
  fine_tuning_job_id: nullIfInvalid(z.string()),
  step_number: stepNumber,
  metrics: z.record(z.string(), z.unknown()).nullish().catch(null),
});
const content = fields.omit({ id: true });

/** The body of a checkpoint, as servers send it. */
export type CheckpointBody = z.input<typeof fields>;

/** A model that a job saved at a step, in wire spelling; invalid members are null. */
export type Checkpoint = z.output<typeof fields>;

/** Parses a checkpoint. Throws a ZodError when id, created_at, its model or its step is invalid. */
export function readCheckpoint(body: unknown): Checkpoint {
  return fields.parse(body);
}

export interface CheckpointResource {
  /** GET /fine_tuning/jobs/{id}/checkpoints, newest first; those without an id get a derived one. Throws UpstreamError. */
  list(jobId: string, page: PageRequest, call: Call): Promise<Page<Checkpoint>>;
}

export function createCheckpointResource(rest: RestClient): CheckpointResource {
  const identityOf = (jobId: string) => (body: unknown) => {
    const { success, data } = content.safeParse(body);
    return success ? [jobId, data.step_number, data.fine_tuned_model_checkpoint] : null;
  };
  return {
    list: (jobId, page, call) =>
      readAfterDerivedId(page, (request) => {
        const read = readPage(request, readCheckpoint);
        const readBody: typeof read = (body, facts) => read(withDerivedIds(body, identityOf(jobId)), facts);
        return rest.get(path`/fine_tuning/jobs/${jobId}/checkpoints`, { ...request }, readBody, call);
      }),
  };
}
