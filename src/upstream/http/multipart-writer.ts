import { Readable } from 'node:stream';
import type { Deadline } from '../resilience/deadline.ts';

/** A file to upload as `multipart/form-data`. */
export interface Upload {
  /** Form fields, sent before the file. */
  readonly fields: Readonly<Record<string, string>>;
  readonly filename: string;
  /** Consumed only as fast as the upstream reads; its `return` is called when no more is needed. */
  readonly content: AsyncIterable<Uint8Array>;
}

/** Bytes that are buffered ahead of the socket. */
const HIGH_WATER_MARK_BYTES = 64 * 1024;

/** Returns a random boundary, which no content can contain on purpose. */
export const createBoundary = () => `finetune-gateway-${crypto.randomUUID()}`;

/**
 * Creates the body of the form. The deadline runs only while the body waits for the upstream, and pauses while it waits for
 * the content. An error of the content is passed to `onContentError`, and the body is cut off.
 */
export function createFormBody(
  upload: Upload,
  boundary: string,
  deadline: Deadline,
  onContentError: (error: unknown) => void,
): Readable {
  const { fields, filename, content } = upload;
  const parts = Object.entries(fields).map(
    ([name, value]) =>
      `--${boundary}\r\nContent-Disposition: form-data; name="${escapeName(name)}"\r\n\r\n${value}\r\n`,
  );
  const head = `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="${escapeName(filename)}"\r\nContent-Type: application/octet-stream\r\n\r\n`;
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
      onContentError(error);
      throw error;
    }
    deadline.restart();
    yield Buffer.from(`\r\n--${boundary}--\r\n`);
  }
  return Readable.from(body(), { objectMode: false, highWaterMark: HIGH_WATER_MARK_BYTES });
}

/** Yields the chunks of `source`. Throws `signal.reason` as soon as the signal is aborted, even while a chunk is awaited. */
async function* untilAborted<T>(source: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T, void, undefined> {
  const iterator = source[Symbol.asyncIterator]();
  let rejectNext = (_reason: unknown) => {};
  const onAbort = () => rejectNext(signal.reason);
  signal.addEventListener('abort', onAbort);
  try {
    for (;;) {
      signal.throwIfAborted();
      // A Promise.race with one long-lived promise would retain every chunk until that promise settles.
      const next = await new Promise<IteratorResult<T>>((resolve, reject) => {
        rejectNext = reject;
        iterator.next().then(resolve, reject);
      });
      if (next.done) return;
      yield next.value;
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    Promise.resolve(iterator.return?.()).catch(() => {}); // Not awaited: a pending read can delay it.
  }
}

// Browsers escape names in forms in this way (https://html.spec.whatwg.org/#multipart-form-data).
const escapeName = (name: string) => name.replaceAll('\n', '%0A').replaceAll('\r', '%0D').replaceAll('"', '%22');
