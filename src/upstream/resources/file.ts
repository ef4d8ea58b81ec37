import { z } from 'zod';
import type { Upload } from '../http/multipart-writer.ts';
import { path } from '../http/path.ts';
import type { RestClient } from '../http/rest-client.ts';
import type { Call } from '../resilience/transport.ts';
import { type Deletion, readDeletion } from './deletion.ts';
import { identifier, nullIfInvalid, requireId, timestamp, timestampOrNull } from './lenient-schema.ts';
import { type Page, type PageRequest, readPage } from './page.ts';

// `status` is required by the document and missing from its examples; purposes are an open set (docs/upstream.md: Objects).
const fields = z.object({
  id: identifier,
  bytes: nullIfInvalid(z.int()),
  created_at: timestamp,
  expires_at: timestampOrNull,
  filename: nullIfInvalid(z.string()),
  purpose: z.string().catch(''),
  status: nullIfInvalid(z.string()),
  status_details: nullIfInvalid(z.string()),
});

/** A file as servers write it. */
export type FileBody = z.input<typeof fields>;

/** What is known of an uploaded or generated file, in wire spelling, repaired; its content is read apart. */
export type FileObject = z.output<typeof fields>;

/** Throws a ZodError when the body lacks what identifies a file: id, created_at. */
export function readFile(body: unknown): FileObject {
  return fields.parse(body);
}

const UNSETTLED = new Set(['uploaded', 'pending', 'running', 'notRunning', 'deleting']);

/** Whether the server is done with a file, or does not tell: from then on it can only be deleted. */
export function isSettled({ status }: FileObject): boolean {
  return status === null || !UNSETTLED.has(status);
}

/** Which files: a page of those with this purpose, newest first unless `order` is `asc`. */
export interface FilePageRequest extends PageRequest {
  readonly purpose: string | null;
  readonly order: 'asc' | 'desc';
}

export interface FileResource {
  /** GET /files/{id}; null when there is none. Throws UpstreamError. */
  get(id: string, call: Call): Promise<FileObject | null>;
  /** GET /files. Throws UpstreamError. */
  list(request: FilePageRequest, call: Call): Promise<Page<FileObject>>;
  /** GET /files/{id}/content, as it comes, up to 256 MiB; null when there is none. Throws UpstreamError. */
  content<T>(id: string, read: (chunks: AsyncIterable<Uint8Array>) => Promise<T>, call: Call): Promise<T | null>;
  /** As `content`, up to 1 GiB, and however long that takes as long as bytes come. */
  wholeContent: FileResource['content'];
  /**
   * POST /files, once, with the content as it comes. The call's time counts only while the upstream is waited for. Throws
   * UpstreamError, or what the content throws: then the body is cut off, and no file made.
   */
  upload(upload: FileUpload, call: Call): Promise<FileObject>;
  /** DELETE /files/{id}; null when there is none. Throws UpstreamError. */
  delete(id: string, call: Call): Promise<Deletion | null>;
}

/** A file to be made. */
export interface FileUpload {
  readonly filename: string;
  readonly purpose: string;
  /** Seconds from its making until it is deleted; never if absent. */
  readonly expiresAfterSeconds?: number | undefined;
  readonly content: AsyncIterable<Uint8Array>;
}

function formOf({ filename, purpose, expiresAfterSeconds: seconds, content }: FileUpload): Upload {
  const expiry = { 'expires_after[anchor]': 'created_at', 'expires_after[seconds]': String(seconds) };
  return { fields: { purpose, ...(seconds !== undefined && expiry) }, filename, content };
}

export function createFileResource(rest: RestClient): FileResource {
  return {
    get: (id, call) => rest.getOrNull(path`/files/${id}`, (body) => requireId(id, readFile(body)), call),
    list: (request, call) => rest.get(path`/files`, { ...request }, readPage(request, readFile), call),
    content: (id, read, call) => rest.stream(path`/files/${id}/content`, read, call),
    wholeContent: (id, read, call) => rest.stream(path`/files/${id}/content`, read, call, 'patiently'),
    upload: (upload, call) => rest.upload(path`/files`, formOf(upload), readFile, call),
    delete: (id, call) => rest.delete(path`/files/${id}`, readDeletion(id), call),
  };
}
