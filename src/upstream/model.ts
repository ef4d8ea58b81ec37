import { z } from 'zod';
import { orNullIfUnreadable, timestampOrNull } from './repair.ts';

const fields = z.object({
  id: z.string().min(1),
  created: timestampOrNull,
  owned_by: orNullIfUnreadable(z.string()),
  shutdown_date: orNullIfUnreadable(z.iso.date()), // Older servers lack it.
});

/** A model as servers write it. */
export type ModelBody = z.input<typeof fields>;

/** A model that can be used or trained on, in wire spelling, repaired. */
export type Model = z.output<typeof fields>;

/** Throws a ZodError when the body lacks what identifies a model: its id, which is its name. */
export function readModel(body: unknown): Model {
  return fields.parse(body);
}
