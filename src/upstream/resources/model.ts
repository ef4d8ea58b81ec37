import { z } from 'zod';
import { path } from '../http/path.ts';
import type { RestClient } from '../http/rest-client.ts';
import type { Call } from '../resilience/transport.ts';
import { type Deletion, readDeletion } from './deletion.ts';
import { dateOrNull, identifier, nullIfInvalid, requireId, textOrNull, timestampOrNull } from './lenient-schema.ts';
import { type PageItem, readUnpaged } from './page.ts';

// Azure has `created_at` and `deprecation` in place of `created` and `shutdown_date`, and `capabilities` (docs/upstream.md: Azure).
const fields = z
  .object({
    id: identifier,
    created: timestampOrNull,
    created_at: timestampOrNull,
    owned_by: textOrNull,
    shutdown_date: dateOrNull, // Older servers lack it.
    capabilities: nullIfInvalid(z.object({ fine_tune: z.boolean().nullish().catch(null) })),
    deprecation: nullIfInvalid(z.object({ inference: dateOrNull, fine_tune: dateOrNull })),
  })
  .transform(({ created_at, capabilities, deprecation, ...model }) => ({
    ...model,
    created: model.created ?? created_at,
    shutdown_date: model.shutdown_date ?? deprecation?.inference ?? null,
    /** Whether jobs can train the model, as Azure reports it. */
    can_tune: capabilities?.fine_tune ?? null,
    /** The date when that ends, as Azure reports it. */
    tuning_end: deprecation?.fine_tune ?? null,
  }));

/** A base model or a fine-tuned one, in wire spelling; invalid members are null. */
export type Model = z.output<typeof fields>;

/** Parses a model. Throws a ZodError when its id, which is its name, is invalid. */
export function readModel(body: unknown): Model {
  return fields.parse(body);
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
