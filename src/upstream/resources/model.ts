import { z } from 'zod';
import { path } from '../http/path.ts';
import type { RestClient } from '../http/rest-client.ts';
import type { Call } from '../resilience/transport.ts';
import { type Deletion, readDeletion } from './deletion.ts';
import { dateOrNull, identifier, nullIfInvalid, requireId, textOrNull, timestampOrNull } from './lenient-schema.ts';
import { createReader } from './object-reader.ts';
import { type PageItem, readUnpaged } from './page.ts';

// Azure has `created_at` and `deprecation` in place of `created` and `shutdown_date`, and `capabilities` (docs/upstream.md: Azure).
const fields = z.object({
  id: identifier,
  created: timestampOrNull,
  created_at: timestampOrNull,
  owned_by: textOrNull,
  shutdown_date: dateOrNull, // Older servers lack it.
  capabilities: nullIfInvalid(z.object({ fine_tune: z.boolean().nullish().catch(null) })),
  deprecation: nullIfInvalid(z.object({ inference: dateOrNull, fine_tune: dateOrNull })),
});
const readFields = createReader(fields);

/** A base model or a fine-tuned one, in wire spelling; invalid members are null. */
export interface Model {
  readonly id: string;
  readonly created: number | null;
  readonly owned_by: string | null;
  readonly shutdown_date: string | null;
  /** Whether jobs can train the model, as Azure reports it. */
  readonly can_tune: boolean | null;
  /** The date when that ends, as Azure reports it. */
  readonly tuning_end: string | null;
}

/** Parses a model. Throws a ZodError when its id, which is its name, is invalid. */
export function readModel(body: unknown): Model {
  const { id, created, created_at, owned_by, shutdown_date, capabilities, deprecation } = readFields(body);
  return {
    id,
    created: created ?? created_at,
    owned_by,
    shutdown_date: shutdown_date ?? deprecation?.inference ?? null,
    can_tune: capabilities?.fine_tune ?? null,
    tuning_end: deprecation?.fine_tune ?? null,
  };
}

export interface ModelResource {
  /** GET /models/{id}; null when it does not exist. Throws UpstreamError. */
  get(id: string, call: Call): Promise<Model | null>;
  /** GET /models: all models, as this endpoint has no pages. Throws UpstreamError. */
  list(call: Call): Promise<PageItem<Model>[]>;
  /** DELETE /models/{id}, for fine-tuned models only; null when it does not exist. Throws UpstreamError. */
  delete(id: string, call: Call): Promise<Deletion | null>;
}

export function createModelResource(rest: RestClient): ModelResource {
  return {
    get: (id, call) => rest.getOrNull(path`/models/${id}`, (body) => requireId(id, readModel(body)), call),
    list: (call) => rest.get(path`/models`, {}, readUnpaged(readModel), call),
    delete: (id, call) => rest.delete(path`/models/${id}`, readDeletion(id), call),
  };
}
