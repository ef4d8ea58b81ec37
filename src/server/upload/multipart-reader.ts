import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { Busboy } from '@fastify/busboy';
import type { Clock } from '../../clock.ts';
import { HttpError } from '../http/http-error.ts';
import { bodyIncomplete, bodyTimeout } from '../http/request-body.ts';

/** One part of a form. Its content has to be read to the end before the next part arrives. */
export interface Part {
  readonly name: string;
  /** Undefined for a plain field. */
  readonly filename: string | undefined;
  /** Throws the form's HttpError when the form fails. */
  readonly content: AsyncIterable<Buffer>;
}

/** A form that is being received, as fast as its parts are read. */
export interface Form {
  /** Resolves to the next part, or to null at the end of the form. Rejects with the form's HttpError. */
  next(): Promise<Part | null>;
  /** Fails the form: the current part and pending calls of `next` reject with this error. */
  fail(error: HttpError): void;
  /** Aborted when the form fails; the reason is its HttpError. */
  readonly signal: AbortSignal;
  /** Discards the rest of the body, so that the client can read the response. */
  discard(): void;
}

export interface FormLimits {
  /** Maximum bytes of the body. */
  readonly maxBytes: number;
  readonly maxParts: number;
  /** Maximum time between two chunks while the reader waits for the client, in milliseconds. */
  readonly idleMs: number;
  readonly clock: Clock;
}

/** Maximum bytes of a part's headers, which include the filename. */
const MAX_HEADER_BYTES = 64 * 1024;
const MAX_HEADERS = 20;
/** Maximum bytes that are discarded beyond the limit, so that the client can read the response. */
const MAX_DISCARDED_BYTES = 8 * 1024 * 1024;

type Parser = InstanceType<typeof Busboy>;

/** Reads a body of `multipart/form-data` with this boundary. Throws an HttpError (400) when the boundary is invalid. */
export function openForm(request: IncomingMessage, boundary: string | null, limits: FormLimits): Form {
  const failure = new AbortController();
  const { signal } = failure;
  const { push, next } = createPartQueue(signal);
  const parser = createParser(boundary, limits.maxParts);
  let currentContent: Readable | undefined;
  let discard = () => {};

  function fail(error: HttpError) {
    if (signal.aborted) return;
    failure.abort(error);
    discard();
    currentContent?.destroy(error);
  }

  parser.on('file', (name: string | undefined, content, filename: string | undefined) => {
    content.on('error', () => {}); // Its reader gets the error.
    if (signal.aborted) return void content.resume(); // A part of the chunk in which the form failed.
    currentContent = content;
    push({ name: name ?? '', filename, content: contentOf(content, signal) });
  });
  parser.on('partsLimit', () => fail(invalidForm(`has more than ${limits.maxParts} parts`)));
  parser.on('finish', () => push(null)); // Only after the end of the request.
  parser.on('error', () => fail(invalidForm('is malformed, or ends without its closing boundary')));
  discard = pipeBody(request, parser, limits, fail);
  return { next, fail, signal, discard };
}

export function invalidForm(problem: string): HttpError {
  return new HttpError(400, `Form: ${problem}; expected the parts operations, map and one file, in this order.`);
}

/** Yields the content of a part. Replaces the parser's errors by the form's HttpError. */
async function* contentOf(
  content: AsyncIterable<Buffer>,
  signal: AbortSignal,
): AsyncGenerator<Buffer, void, undefined> {
  try {
    yield* content;
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
}

// RFC 2046 section 5.1.1.
const BOUNDARY = /^[\w'()+,./:=? -]{0,69}[\w'()+,./:=?-]$/;

function createParser(boundary: string | null, maxParts: number): Parser {
  if (boundary === null || !BOUNDARY.test(boundary)) {
    const problem = boundary === null ? 'has no boundary' : 'has an invalid boundary';
    throw new HttpError(400, `Content-Type: ${problem}; expected one such as multipart/form-data; boundary=x1.`);
  }
  return new Busboy({
    headers: { 'content-type': `multipart/form-data; boundary="${boundary}"` },
    limits: { parts: maxParts, headerPairs: MAX_HEADERS, headerSize: MAX_HEADER_BYTES },
    fileHwm: 1, // Buffers one chunk: buffered chunks survive young garbage collections.
    preservePath: true,
    isPartAFile: () => true, // Fields are read as bytes too.
  });
}

/** A queue between the parser and one reader. Its length is at most the number of parts. */
function createPartQueue(signal: AbortSignal) {
  const parts: (Part | null)[] = [];
  let wake = () => {};
  signal.addEventListener('abort', () => wake());
  return {
    push(part: Part | null) {
      parts.push(part);
      wake();
    },
    async next(): Promise<Part | null> {
      for (;;) {
        signal.throwIfAborted();
        const part = parts.shift();
        if (part !== undefined) return part;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
  };
}

/** Pipes the body to the parser with backpressure. Returns the function that discards the rest of the body. */
function pipeBody(
  request: IncomingMessage,
  parser: Parser,
  { maxBytes, idleMs, clock }: FormLimits,
  fail: (error: HttpError) => void,
): () => void {
  const { socket } = request;
  let length = 0;
  let isDiscarding = false;
  let cancelTimeout = () => {};

  function restartTimeout() {
    cancelTimeout();
    if (!request.readableEnded && !socket.destroyed) cancelTimeout = clock.after(idleMs, onTimeout);
  }
  function onTimeout() {
    if (isDiscarding) request.destroy();
    else fail(bodyTimeout(idleMs));
  }
  function onData(chunk: Buffer) {
    length += chunk.length;
    restartTimeout();
    if (isDiscarding) {
      if (length > maxBytes + MAX_DISCARDED_BYTES && socket.writable) request.destroy(); // Else it is being closed.
    } else if (length > maxBytes) fail(formTooLarge(maxBytes));
    else if (!parser.write(chunk)) {
      cancelTimeout(); // From now on the client waits for the reader.
      request.pause();
    }
  }
  function resume() {
    request.resume();
    restartTimeout();
  }

  function onDisconnect() {
    cancelTimeout();
    fail(bodyIncomplete());
  }

  request.on('data', onData);
  parser.on('drain', resume);
  request.on('end', () => {
    socket.off('close', onDisconnect);
    cancelTimeout();
    if (!isDiscarding) parser.end();
  });
  request.on('error', onDisconnect);
  socket.on('close', onDisconnect); // The only event when a client disconnects after a response to invalid HTTP.
  restartTimeout();
  return () => {
    isDiscarding = true;
    resume();
  };
}

function formTooLarge(maxBytes: number): HttpError {
  return new HttpError(
    413,
    `Body: exceeds the limit of ${maxBytes} bytes (MAX_UPLOAD_MB, and 2 MiB beside the file); send a smaller file, or raise the setting, such as MAX_UPLOAD_MB=512.`,
  );
}
