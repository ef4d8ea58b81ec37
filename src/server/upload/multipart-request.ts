import type { IncomingMessage } from 'node:http';
import { GraphQLError, type GraphQLSchema } from 'graphql';
import type { Clock } from '../../clock.ts';
import { UploadedFile } from '../../schema/core/upload-value.ts';
import type { Prepared } from '../graphql/prepare.ts';
import type { BodyTimeouts } from '../http/body-timeout.ts';
import { HttpError } from '../http/http-error.ts';
import { quoteInput } from '../http/quote-input.ts';
import { MAX_BODY_BYTES } from '../http/request-body.ts';
import { createConcurrencyQuota } from '../limits/concurrency-quota.ts';
import { type Form, invalidForm, openForm, type Part } from './multipart-reader.ts';
import { attachFile, readMap, type UploadTarget } from './upload-map.ts';

/** A multipart request that has been read up to its file. */
export interface MultipartUpload {
  /** The part `operations`: the JSON body of the same request without a file. */
  readonly operations: Buffer;
  /**
   * Puts the file into the variables and starts the upload; from then on the request has no total timeout. Throws an
   * HttpError: 400 when the path is not an `Upload`, 429 when too many uploads are in progress.
   */
  attachFile(prepared: Prepared): Prepared;
  /** Aborted when the rest of the form is invalid; the reason is the HttpError. */
  readonly signal: AbortSignal;
  /** Ends the upload and discards the rest of the body. Call it once, after execution. */
  discard(): void;
}

/**
 * Reads a request of the GraphQL multipart request specification, up to its file. Throws an HttpError: 400 when the form is
 * invalid, 413 when it is too large. `caller` is the key of the caller's limits.
 */
export type ReadUpload = (
  request: IncomingMessage,
  boundary: string | null,
  caller: string,
) => Promise<MultipartUpload>;

export interface UploadOptions {
  /** Maximum bytes of a file. */
  readonly maxUploadBytes: number;
  /** Maximum time between two chunks of the body, in milliseconds. */
  readonly bodyTimeoutMs: number;
  /** Maximum sockets to the upstream per credential. */
  readonly upstreamConnections: number;
  /** The timeouts of bodies. An upload that has started has none. */
  readonly bodyTimeouts: BodyTimeouts;
  readonly schema: GraphQLSchema;
  readonly clock: Clock;
}

const MAX_CONCURRENT_UPLOADS = 16;
/** Share of one caller in all concurrent uploads, because its client decides how long an upload takes. */
const CALLER_SHARE = 1 / 4;
/** Maximum bytes of the boundaries and headers of the three parts. */
const MAX_FRAMING_BYTES = 256 * 1024;

export function createReadUpload(options: UploadOptions): ReadUpload {
  const { maxUploadBytes, bodyTimeoutMs, upstreamConnections, bodyTimeouts, schema, clock } = options;
  const maxBytes = maxUploadBytes + 2 * MAX_BODY_BYTES + MAX_FRAMING_BYTES;
  const quota = createUploadQuota(upstreamConnections);
  return async (request, boundary, caller) => {
    if (Number(request.headers['content-length']) > maxBytes) throw fileTooLarge(maxUploadBytes);
    const form = openForm(request, boundary, { maxBytes, maxParts: 3, idleMs: bodyTimeoutMs, clock });
    let discard = form.discard;
    try {
      const { target, file, operations } = await readUpload(form, maxUploadBytes);
      return {
        operations,
        attachFile(prepared) {
          const complete = attachFile(prepared, target, file, schema);
          const release = quota(caller);
          bodyTimeouts.remove(request);
          discard = () => {
            release();
            form.discard();
          };
          return complete;
        },
        signal: form.signal,
        discard: () => discard(),
      };
    } catch (error) {
      form.discard();
      throw error;
    }
  };
}

/** An upload holds an upstream connection: half of a credential's connections stay free for other calls. */
function createUploadQuota(upstreamConnections: number) {
  const max = Math.max(1, Math.min(MAX_CONCURRENT_UPLOADS, Math.floor(upstreamConnections / 2)));
  const setting = 'UPSTREAM_CONNECTIONS';
  const perCaller = { max: Math.ceil(max * CALLER_SHARE), setting };
  return createConcurrencyQuota({ noun: 'Uploads', total: { max, setting }, perCaller });
}

/** Reads the form up to the start of its file. Throws an HttpError when the form is invalid. */
async function readUpload(form: Form, maxFileBytes: number) {
  const operations = await readField(form, 'operations');
  const target = readMap(await readField(form, 'map'));
  const part = await form.next();
  if (!isFilePart(part, target)) throw unexpectedPart(`the file ${quoteInput(target.partName)}`, part);
  const file = new UploadedFile({ filename: part.filename, content: fileContentOf(form, part, maxFileBytes) });
  return { operations, target, file };
}

function isFilePart(part: Part | null, { partName }: UploadTarget): part is Part & { readonly filename: string } {
  return part !== null && part.filename !== undefined && part.name === partName;
}

async function readField(form: Form, name: string): Promise<Buffer> {
  const part = await form.next();
  if (part === null || part.name !== name || part.filename !== undefined) {
    throw unexpectedPart(`the field ${quoteInput(name)}`, part);
  }
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of part.content) {
    length += chunk.length;
    if (length > MAX_BODY_BYTES) {
      const advice = 'send less, and content of files only in the part of the file';
      throw new HttpError(413, `${name}: exceeds the limit of ${MAX_BODY_BYTES} bytes; ${advice}.`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Yields the bytes of the file. Anything invalid after it fails it too, so that half a request has no effect. */
async function* fileContentOf(form: Form, part: Part, maxBytes: number): AsyncGenerator<Uint8Array, void, undefined> {
  let length = 0;
  try {
    for await (const chunk of part.content) {
      length += chunk.length;
      if (length > maxBytes) form.fail(fileTooLarge(maxBytes));
      form.signal.throwIfAborted();
      yield chunk;
    }
    await form.next();
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    throw new GraphQLError(error.message, { extensions: { code: error.code } }); // The outcome of the mutation.
  }
}

function unexpectedPart(expected: string, part: Part | null): HttpError {
  if (part === null) return invalidForm(`ends before ${expected}`);
  const kind = part.filename === undefined ? 'field' : 'file';
  return invalidForm(`has the ${kind} ${quoteInput(part.name)} in the place of ${expected}`);
}

function fileTooLarge(maxBytes: number): HttpError {
  return new HttpError(
    413,
    `file: exceeds the limit of ${maxBytes} bytes (MAX_UPLOAD_MB); send a smaller file, or raise the setting, such as MAX_UPLOAD_MB=512.`,
  );
}
