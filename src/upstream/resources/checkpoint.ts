import { z } from 'zod';
import type { MemoryCache } from '../../memory-cache.ts';
import { path } from '../http/path.ts';
import type { RestClient } from '../http/rest-client.ts';
import { createListReader } from '../lists/list-reader.ts';
import type { Call } from '../resilience/transport.ts';
import { createDerivedCursors } from './derived-cursor.ts';
import { withDerivedIds } from './derived-id.ts';
import { identifier, objectOrNull, stepNumber, text, textList, textOrNull, timestamp } from './lenient-schema.ts';
import { createReader } from './object-reader.ts';
import { byCreation, type Page, type PageItem, type PageRequest, readList } from './page.ts';

// Azure writes steps as 100.0. OpenAI's `metrics` have a string among the numbers (docs/upstream.md: Objects, Other servers).
const fields = z.object({
  id: identifier,
  created_at: timestamp,
  fine_tuned_model_checkpoint: text,
  fine_tuning_job_id: textOrNull,
  step_number: stepNumber,
  result_files: textList, // Nebius has the files of each checkpoint.
  metrics: objectOrNull,
});
const content = fields.omit({ id: true });

/** The body of a checkpoint, as servers send it. */
export type CheckpointBody = z.input<typeof fields>;

/** A model that a job saved at a step, in wire spelling; invalid members are null. */
export type Checkpoint = z.output<typeof fields>;

/** Parses a checkpoint. Throws a ZodError when id, created_at, its model or its step is invalid. */
export const readCheckpoint: (body: unknown) => Checkpoint = createReader(fields);

export interface CheckpointResource {
  /** GET /fine_tuning/jobs/{id}/checkpoints, newest first; those without an id get a derived one. Throws UpstreamError. */
  list(jobId: string, page: PageRequest, call: Call): Promise<Page<Checkpoint>>;
}

export function createCheckpointResource(rest: RestClient, memoryCache: MemoryCache): CheckpointResource {
  const identityOf = (jobId: string) => (body: unknown) => {
    const { success, data } = content.safeParse(body);
    return success ? [jobId, data.step_number, data.fine_tuned_model_checkpoint] : null;
  };
  const readItems = readList(readCheckpoint);
  const readBody =
    (jobId: string): typeof readItems =>
    (body, facts) =>
      readItems(withDerivedIds(body, identityOf(jobId)), facts);
  const readByCursor = createDerivedCursors();
  const lists = createListReader<PageItem<Checkpoint>>({
    compareAge: byCreation,
    memoryCache,
    name: 'checkpoint',
    stepOf: ({ value }) => value?.step_number ?? null,
  });
  return {
    list: (jobId, page, call) =>
      lists.page(page, {
        credential: call.credential,
        name: jobId,
        fetch: (request) =>
          readByCursor(request, (read) =>
            rest.get(path`/fine_tuning/jobs/${jobId}/checkpoints`, { ...read }, readBody(jobId), call),
          ),
      }),
  };
}
