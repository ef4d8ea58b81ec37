import { z } from 'zod';
import { orNullIfUnreadable, timestamp, timestampOrNull } from './repair.ts';

// `status` is required by the document and missing from its examples; purposes are an open set (UPSTREAM.md 1.4).
const fields = z.object({
  id: z.string().min(1),
  bytes: orNullIfUnreadable(z.int()),
  created_at: timestamp,
  expires_at: timestampOrNull,
  filename: orNullIfUnreadable(z.string()),
  purpose: z.string().catch(''),
  status: orNullIfUnreadable(z.string()),
  status_details: orNullIfUnreadable(z.string()),
});

/** A file as servers write it. */
export type FileBody = z.input<typeof fields>;

/** What is known of an uploaded or generated file, in wire spelling, repaired; its content is read apart. */
export type FileObject = z.output<typeof fields>;

/** Throws a ZodError when the body lacks what identifies a file: id, created_at. */
export function readFile(body: unknown): FileObject {
  return fields.parse(body);
}
