import type { Readable } from 'node:stream';
import type { Deadline } from '../resilience/deadline.ts';
import type { ByteSemaphore } from './byte-semaphore.ts';

/**
 * `bounded`: at most 256 MiB within the timeout, and one over 1 MiB waits until large bodies have freed 64 MiB, which its
 * reader may take. `whole`: at most 1 GiB, the timeout restarts with every chunk, and its reader keeps nothing.
 */
export type StreamMode = 'bounded' | 'whole';

const MIB = 1024 * 1024;

/** Maximum bytes of a stream. 256 MiB hold a results file of a million steps in base64; 1 GiB is twice OpenAI's limit. */
const MAX_STREAM_BYTES: Record<StreamMode, number> = { bounded: 256 * MIB, whole: 1024 * MIB };
/** Maximum bytes of a stream that skips the semaphore. */
const SMALL_STREAM_BYTES = MIB;
/** Maximum memory that the reader of a bounded stream takes: the loss curve of a results file. */
export const READER_BYTES = 64 * MIB;

/** Yields the chunks of a body. Throws when it exceeds the maximum of its mode, or is cut off. */
export async function* readStream(
  body: Readable,
  mode: StreamMode,
  deadline: Deadline,
  semaphore: ByteSemaphore,
): AsyncGenerator<Uint8Array, void, undefined> {
  const maxBytes = MAX_STREAM_BYTES[mode];
  let length = 0;
  let isLarge = false;
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    if (mode === 'whole') deadline.restart();
    length += chunk.length;
    if (length > maxBytes) throw new Error(`content: exceeds ${maxBytes} bytes`);
    if (mode === 'bounded' && !isLarge && length > SMALL_STREAM_BYTES) {
      isLarge = true;
      await acquireUntilClosed(body, semaphore);
    }
    yield chunk;
  }
}

/** Acquires the bytes of a reader until the body is closed. Also resolves when it is closed before: its next chunk throws. */
function acquireUntilClosed(body: Readable, semaphore: ByteSemaphore): Promise<void> {
  return new Promise((resolve) => {
    if (body.destroyed) return resolve();
    const release = semaphore.acquire(READER_BYTES, resolve);
    body.once('close', () => {
      release();
      resolve();
    });
  });
}
