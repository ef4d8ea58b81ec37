import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { Busboy } from '@fastify/busboy';
import type { Clock } from '../../clock.ts';
import { HttpError } from '../http/http-error.ts';

/** One part of a form; its content has to be read to its end before the next part comes. */
export interface Part {
  readonly name: string;
  /** Undefined of a plain field. */
  readonly filename: string | undefined;
  /** Throws the Refusal that says why it does not come to its end. */
  readonly content: AsyncIterable<Buffer>;
}

/** A form on its way in: the body of one request, read as fast as its parts are and no faster. */
export interface Form {
  /** The next part, null behind the last one when the form has come to its end. Rejects with what has gone wrong. */
  next(): Promise<Part | null>;
  /** Gives the form up: what is being read of it, and what is still asked for, fails with that. */
  fail(fault: HttpError): void;
  /** Aborted, with the Refusal that says why, when the form will not come to its end. */
  readonly signal: AbortSignal;
  /** Nothing more of it is wanted: what still comes is thrown away, so that its sender comes to read the answer. */
  discard(): void;
}

export interface FormLimits {
  /** Most bytes of the body. */
  readonly maxBytes: number;
  readonly maxParts: number;
  /** How long the sender may send nothing while it is waited for, in milliseconds. */
  readonly idleMs: number;
  readonly clock: Clock;
}

/** A part's headers: the longest filename that anybody means, and nothing else of length. */
const MAX_HEADER_BYTES = 64 * 1024;
const MAX_HEADERS = 20;
/** How much of a body that is too long is read all the same, so that its sender comes to read why. */
const MAX_DISCARDED_BYTES = 8 * 1024 * 1024;

type Parser = InstanceType<typeof Busboy>;

/** Reads a body of `multipart/form-data` with this boundary. Throws a Refusal (400) when that is none. */
export function openForm(request: IncomingMessage, boundary: string | null, limits: FormLimits): Form {
  const ending = new AbortController();
  const { signal } = ending;
  const { push, next } = createQueue(signal);
  const parser = openParser(boundary, limits.maxParts);
  let current: Readable | undefined;
  let discard = () => {};

  function fail(fault: HttpError) {
    if (signal.aborted) return;
    ending.abort(fault);
    discard();
    current?.destroy(fault);
  }

  parser.on('file', (name: string | undefined, content, filename: string | undefined) => {
    content.on('error', () => {}); // Whoever reads it is told.
    if (signal.aborted) return void content.resume(); // Of the chunk in which something went wrong.
    current = content;
    push({ name: name ?? '', filename, content: whole(content, signal) });
  });
  parser.on('partsLimit', () => fail(malformed(`at most ${limits.maxParts} parts: operations, map and one file`)));
  parser.on('finish', () => push(null)); // Not before the request has ended.
  parser.on('error', () => fail(malformed('its last boundary at its end')));
  discard = feed(request, parser, limits, fail);
  return { next, fail, signal, discard };
}

/** What a part holds. The parser's own errors say no more than the one that the form has failed with. */
async function* whole(content: AsyncIterable<Buffer>, signal: AbortSignal): AsyncGenerator<Buffer, void, undefined> {
  try {
    yield* content;
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
}

export const malformed = (expected: string) => new HttpError(400, `The form: expected ${expected}.`);

// What a boundary may be by RFC 2046.
const BOUNDARY = /^[\w'()+,./:=? -]{0,69}[\w'()+,./:=?-]$/;

function openParser(boundary: string | null, parts: number): Parser {
  if (boundary === null || !BOUNDARY.test(boundary)) throw malformed('a boundary in its Content-Type');
  return new Busboy({
    headers: { 'content-type': `multipart/form-data; boundary="${boundary}"` },
    limits: { parts, headerPairs: MAX_HEADERS, headerSize: MAX_HEADER_BYTES },
    fileHwm: 1, // One chunk at a time: what waits here grows old, and is collected late.
    preservePath: true,
    isPartAFile: () => true, // Fields too are read by their bytes.
  });
}

/** Gives what was pushed, in its order, to one who asks: no more than a form has parts. */
function createQueue(signal: AbortSignal) {
  const pushed: (Part | null)[] = [];
  let wake = () => {};
  signal.addEventListener('abort', () => wake());
  return {
    push(part: Part | null) {
      pushed.push(part);
      wake();
    },
    async next(): Promise<Part | null> {
      for (;;) {
        signal.throwIfAborted();
        const part = pushed.shift();
        if (part !== undefined) return part;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
  };
}

/** Gives a request's body to a parser, as fast as that takes it, until what it gives is called: then the rest is thrown away. */
function feed(
  request: IncomingMessage,
  parser: Parser,
  { maxBytes, idleMs, clock }: FormLimits,
  fail: (fault: HttpError) => void,
): () => void {
  const { socket } = request;
  let length = 0;
  let isWanted = true;
  let stopWaiting = () => {};

  function wait() {
    stopWaiting();
    if (!request.readableEnded && !socket.destroyed) stopWaiting = clock.after(idleMs, expire);
  }
  function expire() {
    if (isWanted) fail(new HttpError(408, 'The request: expected sooner.', { connection: 'close' }));
    else request.destroy();
  }
  function take(chunk: Buffer) {
    length += chunk.length;
    wait();
    if (!isWanted) {
      if (length > maxBytes + MAX_DISCARDED_BYTES) request.destroy();
    } else if (length > maxBytes) fail(new HttpError(413, `The body: expected at most ${maxBytes} bytes.`));
    else if (!parser.write(chunk)) {
      stopWaiting(); // Now it is the sender that waits.
      request.pause();
    }
  }
  function goOn() {
    request.resume();
    wait();
  }

  function leave() {
    stopWaiting();
    fail(new HttpError(400, 'The body: expected to its end.'));
  }

  request.on('data', take);
  parser.on('drain', goOn);
  request.on('end', () => {
    socket.off('close', leave);
    stopWaiting();
    if (isWanted) parser.end();
  });
  request.on('error', leave);
  socket.on('close', leave); // Nobody else tells of a client that has gone once it was answered that this is no HTTP.
  wait();
  return () => {
    isWanted = false;
    goOn();
  };
}
