import { Readable } from 'node:stream';
import type { Deadline } from '../resilience/deadline.ts';

/** A file on its way up, as a form of the type `multipart/form-data`. */
export interface Upload {
  /** The members beside the file; they go first. */
  readonly fields: Readonly<Record<string, string>>;
  readonly filename: string;
  /** Its bytes, taken as fast as the upstream takes them and no faster; told to end when no more are wanted. */
  readonly content: AsyncIterable<Uint8Array>;
}

/** How far bytes are taken ahead of the socket. */
const AHEAD_BYTES = 64 * 1024;

/** A boundary that no content can have foreseen. */
export const createBoundary = () => `finetune-gateway-${crypto.randomUUID()}`;

/**
 * The body of the form. The deadline counts only while the upstream is waited for: it rests while the content is. What
 * goes wrong with the content is told to `onFailure`, and the body is then cut off.
 */
export function createFormBody(
  upload: Upload,
  boundary: string,
  deadline: Deadline,
  onFailure: (error: unknown) => void,
): Readable {
  const { fields, filename, content } = upload;
  const parts = Object.entries(fields).map(
    ([name, value]) => `--${boundary}\r\nContent-Disposition: form-data; name="${escaped(name)}"\r\n\r\n${value}\r\n`,
  );
  const head = `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="${escaped(filename)}"\r\nContent-Type: application/octet-stream\r\n\r\n`;
  async function* body() {
    yield Buffer.from(parts.join('') + head);
    deadline.pause();
    try {
      for await (const chunk of untilAborted(content, deadline.signal)) {
        deadline.restart();
        yield chunk;
        deadline.pause();
      }
    } catch (error) {
      onFailure(error);
      throw error;
    }
    deadline.restart();
    yield Buffer.from(`\r\n--${boundary}--\r\n`);
  }
  return Readable.from(body(), { objectMode: false, highWaterMark: AHEAD_BYTES });
}

/** The same, and ended at once when the signal is aborted, also while the next chunk is waited for. Throws its reason. */
async function* untilAborted<T>(source: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T, void, undefined> {
  const iterator = source[Symbol.asyncIterator]();
  let stop = (_reason: unknown) => {};
  const abort = () => stop(signal.reason);
  signal.addEventListener('abort', abort);
  try {
    for (;;) {
      signal.throwIfAborted();
      // No race with one promise for all: it would hold every chunk until its end.
      const next = await new Promise<IteratorResult<T>>((resolve, reject) => {
        stop = reject;
        iterator.next().then(resolve, reject);
      });
      if (next.done) return;
      yield next.value;
    }
  } finally {
    signal.removeEventListener('abort', abort);
    Promise.resolve(iterator.return?.()).catch(() => {}); // Not waited for: it may be in the middle of a read.
  }
}

// As browsers write names in forms (https://html.spec.whatwg.org/#multipart-form-data).
const escaped = (name: string) => name.replaceAll('\n', '%0A').replaceAll('\r', '%0D').replaceAll('"', '%22');
