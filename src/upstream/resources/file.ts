import { z } from 'zod';
import type { MemoryCache } from '../../memory-cache.ts';
import type { ContentResponse } from '../http/content-response.ts';
import type { Upload } from '../http/multipart-writer.ts';
import { path } from '../http/path.ts';
import type { RestClient } from '../http/rest-client.ts';
import { createListReader } from '../lists/list-reader.ts';
import type { Call } from '../resilience/transport.ts';
import { type Deletion, readDeletion } from './deletion.ts';
import {
  identifier,
  integerOrNull,
  requireId,
  textOrEmpty,
  textOrNull,
  timestamp,
  timestampOrNull,
} from './lenient-schema.ts';
import { createReader } from './object-reader.ts';
import { byCreation, type Page, type PageItem, type PageRequest, readList } from './page.ts';

// The API specification requires `status`, but its examples lack it. Purposes are an open set (docs/upstream.md: Objects).
const fields = z.object({
  id: identifier,
  bytes: integerOrNull,
  created_at: timestamp,
  expires_at: timestampOrNull,
  filename: textOrNull,
  purpose: textOrEmpty,
  status: textOrNull,
  status_details: textOrNull,
});

/** The body of a file, as servers send it. */
export type FileBody = z.input<typeof fields>;

/** An uploaded or generated file without its content, in wire spelling; invalid members are null. */
export type FileObject = z.output<typeof fields>;

/** Parses a file. Throws a ZodError when id or created_at is invalid. */
export const readFile: (body: unknown) => FileObject = createReader(fields);

const ACTIVE_STATUSES = new Set(['uploaded', 'pending', 'running', 'notRunning', 'deleting']);

/** Returns whether a file is settled: it can only be deleted. A file without a status counts as settled. */
export function isSettled({ status }: FileObject): boolean {
  return status === null || !ACTIVE_STATUSES.has(status);
}

/** Selects a page of the files of one purpose, or of all; newest first unless `order` is `asc`. */
export interface FilePageRequest extends PageRequest {
  readonly purpose: string | null;
  readonly order: 'asc' | 'desc';
}

export interface FileResource {
  /** GET /files/{id}; null when it does not exist. Throws UpstreamError. */
  get(id: string, call: Call): Promise<FileObject | null>;
  /** GET /files. Throws UpstreamError. */
  list(request: FilePageRequest, call: Call): Promise<Page<FileObject>>;
  /** GET /files/{id}/content as a stream of at most 256 MiB; null when it does not exist. Throws UpstreamError. */
  content<T>(id: string, read: (chunks: AsyncIterable<Uint8Array>) => Promise<T>, call: Call): Promise<T | null>;
  /** The same for at most 1 GiB; the timeout restarts with every chunk. */
  wholeContent: FileResource['content'];
  /**
   * The same for any size, or this range of it, with the response's status and headers. The timeout runs only while the
   * upstream is awaited.
   */
  download<T>(
    id: string,
    range: string | null,
    read: (content: ContentResponse) => Promise<T>,
    call: Call,
  ): Promise<T | null>;
  /**
   * POST /files with a stream as content, never retried. The timeout runs only while the upstream is awaited. Throws
   * UpstreamError, or any error of the content: then the body is cut off and no file is created.
   */
  upload(upload: FileUpload, call: Call): Promise<FileObject>;
  /** DELETE /files/{id}; null when it does not exist. Throws UpstreamError. */
  delete(id: string, call: Call): Promise<Deletion | null>;
}

/** A file to upload. */
export interface FileUpload {
  readonly filename: string;
  readonly purpose: string;
  /** Seconds from its creation until the upstream deletes it; never when absent. */
  readonly expiresAfterSeconds?: number | undefined;
  readonly content: AsyncIterable<Uint8Array>;
}

export function createFileResource(rest: RestClient, memoryCache: MemoryCache): FileResource {
  const orders = {
    desc: createListReader<PageItem<FileObject>>({ compareAge: byCreation, memoryCache, name: 'file' }),
    asc: createListReader<PageItem<FileObject>>({
      compareAge: byCreation,
      memoryCache,
      name: 'file, oldest first',
      wanted: 'oldest first',
    }),
  };
  const readFiles = readList(readFile);
  return {
    get: (id, call) => rest.getOrNull(path`/files/${id}`, (body) => requireId(id, readFile(body)), call),
    list: ({ purpose, order, ...page }, call) =>
      orders[order].page(page, {
        credential: call.credential,
        name: purpose ?? '',
        fetch: (request) => rest.get(path`/files`, { ...request, purpose, order }, readFiles, call),
      }),
    content: (id, read, call) => rest.stream(path`/files/${id}/content`, read, call),
    wholeContent: (id, read, call) => rest.stream(path`/files/${id}/content`, read, call, 'whole'),
    download: (id, range, read, call) => rest.download(path`/files/${id}/content`, range, read, call),
    upload: (upload, call) => rest.upload(path`/files`, toForm(upload), readFile, call),
    delete: (id, call) => rest.delete(path`/files/${id}`, readDeletion(id), call),
  };
}

function toForm({ filename, purpose, expiresAfterSeconds: seconds, content }: FileUpload): Upload {
  const expiry = { 'expires_after[anchor]': 'created_at', 'expires_after[seconds]': String(seconds) };
  return { fields: { purpose, ...(seconds !== undefined && expiry) }, filename, content };
}
