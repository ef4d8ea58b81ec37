import type { IncomingMessage } from 'node:http';
import { GraphQLError, type GraphQLSchema } from 'graphql';
import type { Clock } from '../../clock.ts';
import { UploadedFile } from '../../schema/core/upload-value.ts';
import type { Prepared } from '../graphql/prepare.ts';
import type { NoTimeoutRequests } from '../http/client-error.ts';
import { HttpError } from '../http/http-error.ts';
import { MAX_BODY_BYTES } from '../http/request-body.ts';
import { createConcurrencyQuota } from '../limits/concurrency-quota.ts';
import { type Form, malformed, openForm, type Part } from './multipart-reader.ts';
import { attachFile, readMap } from './upload-map.ts';

/** A request with a file, of which all but the file has been read. */
export interface MultipartUpload {
  /** What stands in the part of this name: JSON, as a body without files would be. */
  readonly operations: Buffer;
  /**
   * Puts the file where it belongs; from then on the request may take its time. Throws a Refusal: 400 when that is no place
   * for a file, 429 when too many are under way, of this caller or in all.
   */
  target(prepared: Prepared): Prepared;
  /** Aborted, with the Refusal that says why, when the request is not as it should be, however much of it was. */
  readonly signal: AbortSignal;
  /** No more of it is wanted: to be called once, when the answer is known. */
  discard(): void;
}

/**
 * Reads a request with a file by the GraphQL multipart request specification, up to the file. Throws a Refusal: 400 when it
 * is none, 413 when it is too long. `caller` is whose limits count.
 */
export type ReadUpload = (
  request: IncomingMessage,
  boundary: string | null,
  caller: string,
) => Promise<MultipartUpload>;

export interface UploadOptions {
  /** Most bytes of a file. */
  readonly maxUploadBytes: number;
  /** How long a client may send nothing, in milliseconds. */
  readonly bodyTimeoutMs: number;
  /** Most sockets to the upstream for one credential. */
  readonly upstreamConnections: number;
  /** Takes the requests that may take longer than that in all. */
  readonly unhurried: NoTimeoutRequests;
  readonly schema: GraphQLSchema;
  readonly clock: Clock;
}

const MAX_CONCURRENT = 16;
/** Of all that there may be, for one caller: each lasts as long as its sender likes. */
const SHARE_OF_ONE = 1 / 4;

/** Each holds a connection to the upstream: half of those of a credential are left for everything else. */
function quotaFor(connections: number) {
  const max = Math.max(1, Math.min(MAX_CONCURRENT, Math.floor(connections / 2)));
  return createConcurrencyQuota({ noun: 'Uploads', max, maxPerCaller: Math.ceil(max * SHARE_OF_ONE) });
}

/** Of the boundaries and the headers of the three parts. */
const MAX_FRAME_BYTES = 256 * 1024;

export function createReadUpload(options: UploadOptions): ReadUpload {
  const { maxUploadBytes, bodyTimeoutMs, upstreamConnections, unhurried, schema, clock } = options;
  const maxBytes = maxUploadBytes + 2 * MAX_BODY_BYTES + MAX_FRAME_BYTES;
  const quota = quotaFor(upstreamConnections);
  return async (request, boundary, caller) => {
    if (Number(request.headers['content-length']) > maxBytes) throw tooLong(maxUploadBytes);
    const form = openForm(request, boundary, { maxBytes, maxParts: 3, idleMs: bodyTimeoutMs, clock });
    let leave = form.discard;
    try {
      const { place, file, operations } = await readUpload(form, maxUploadBytes);
      return {
        operations,
        target(prepared) {
          const complete = attachFile(prepared, place, file, schema);
          const free = quota(caller);
          unhurried.add(request);
          leave = () => {
            free();
            form.discard();
          };
          return complete;
        },
        signal: form.signal,
        discard: () => leave(),
      };
    } catch (error) {
      form.discard();
      throw error;
    }
  };
}

async function readUpload(form: Form, maxBytes: number) {
  const operations = await readField(form, 'operations');
  const place = readMap(await readField(form, 'map'));
  const part = await form.next();
  if (part === null || part.filename === undefined || part.name !== place.part) {
    throw misplaced(`the file ${JSON.stringify(place.part.slice(0, 100))} that map names`, part);
  }
  const file = new UploadedFile({
    filename: part.filename,
    content: contentOf(form, part, maxBytes),
  });
  return { operations, place, file };
}

async function readField(form: Form, name: string): Promise<Buffer> {
  const part = await form.next();
  if (part === null || part.name !== name || part.filename !== undefined) throw misplaced(`the field ${name}`, part);
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of part.content) {
    length += chunk.length;
    if (length > MAX_BODY_BYTES) throw new HttpError(413, `${name}: expected at most ${MAX_BODY_BYTES} bytes.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** The bytes of the last part. Whatever should not stand behind it fails it too: nobody is to make anything of half a request. */
async function* contentOf(form: Form, part: Part, maxBytes: number): AsyncGenerator<Uint8Array, void, undefined> {
  let length = 0;
  try {
    for await (const chunk of part.content) {
      length += chunk.length;
      if (length > maxBytes) form.fail(tooLong(maxBytes));
      form.signal.throwIfAborted();
      yield chunk;
    }
    await form.next();
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    throw new GraphQLError(error.message, { extensions: { code: error.code } }); // What has become of the mutation.
  }
}

function misplaced(expected: string, got: Part | null): HttpError {
  const kind = got?.filename === undefined ? 'field' : 'file';
  return malformed(
    `operations, map and one file, in this order, and here ${expected}; got ${got ? `the ${kind} ${JSON.stringify(got.name.slice(0, 100))}` : 'its end'}`,
  );
}

const tooLong = (maxBytes: number) => new HttpError(413, `The file: expected at most ${maxBytes} bytes.`);
