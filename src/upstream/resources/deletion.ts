import { z } from 'zod';
import { identifier, requireId } from './lenient-schema.ts';

const fields = z.object({ id: identifier, deleted: z.literal(true) });

/** A deleted object. */
export interface Deletion {
  readonly id: string;
}

/**
 * Parses the response to a deletion. Some servers send no body (204, docs/upstream.md: Other servers). Throws when the body
 * does not confirm the deletion, or has another id.
 */
export function readDeletion(id: string): (body: unknown) => Deletion {
  return (body) => (body === null ? { id } : requireId(id, { id: fields.parse(body).id }));
}
