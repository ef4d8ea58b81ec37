import { z } from 'zod';
import { identifier, requireId } from './lenient-schema.ts';

const fields = z.object({ id: identifier, deleted: z.literal(true) });

/** What was deleted. */
export interface Deletion {
  readonly id: string;
}

/**
 * Reads the answer to the deletion of this thing; some servers give none (204, docs/upstream.md: Other servers). Throws when it says that
 * the thing was not deleted, or names another.
 */
export function readDeletion(id: string): (body: unknown) => Deletion {
  return (body) => (body === null ? { id } : requireId(id, { id: fields.parse(body).id }));
}
