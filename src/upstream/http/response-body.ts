import type { Readable } from 'node:stream';
import { createJsonTokenCounter, MAX_JSON_OBJECTS, MAX_JSON_TOKENS } from '../json/token-count.ts';
import type { ByteSemaphore } from './byte-semaphore.ts';

const MIB = 1024 * 1024;
/** Maximum bytes of a body that is buffered. */
const MAX_BODY_BYTES = 32 * MIB;
/** Maximum bytes of a small body, which skips the token count: a page of 100 jobs does. Its JSON takes up to 4 MB. */
const SMALL_BODY_BYTES = MIB / 8;
/** Maximum bytes of a body that skips the semaphore. */
const LARGE_BODY_BYTES = MIB;
/** Maximum bytes of all large bodies that are buffered at the same time: four of the largest. */
export const LARGE_BODIES_BYTES = 4 * MAX_BODY_BYTES;

/** Chunks that are merged into one: a chunk of one byte takes a hundred bytes of memory. */
const MAX_CHUNKS = 2000;

/**
 * Reads a body of at most 32 MiB as UTF-8 text. A body over 128 KiB may have at most 500,000 JSON tokens and 125,000 objects
 * and lists. A body over 1 MiB waits until all such bodies together take at most 128 MiB; one without `content-length` counts
 * as 32 MiB. Rejects when a limit is exceeded or the body is cut off.
 */
export type ReadText = (body: Readable, contentLength: unknown) => Promise<string>;

/** Creates a reader whose large bodies acquire their bytes from `semaphore`. */
export function createBodyReader(semaphore: ByteSemaphore): ReadText {
  return (body, contentLength) =>
    new Promise((resolve, reject) => {
      const refuse = (limit: string) => {
        reject(new Error(`body: exceeds ${limit}`));
        body.destroy();
      };
      body.on('error', reject);
      const announcedBytes = Number(contentLength ?? MAX_BODY_BYTES);
      if (!(announcedBytes <= MAX_BODY_BYTES)) return refuse(`${MAX_BODY_BYTES} bytes`);
      collect(body, createGuard(body, announcedBytes, semaphore, refuse), resolve);
    });
}

/** Checks each chunk, given the buffered chunks before it and the length of all. */
type Guard = (chunk: Buffer, buffered: readonly Buffer[], length: number) => void;

function collect(body: Readable, guard: Guard, onText: (text: string) => void): void {
  let chunks: Buffer[] = [];
  let length = 0;
  body.on('data', (chunk: Buffer) => {
    length += chunk.length;
    guard(chunk, chunks, length);
    chunks.push(chunk);
    if (chunks.length >= MAX_CHUNKS) chunks = [Buffer.concat(chunks, length)];
  });
  body.on('end', () => {
    const [first, ...others] = chunks;
    const whole = others.length === 0 ? first : Buffer.concat(chunks, length);
    chunks = []; // Freed before the text is created.
    onText(whole?.toString() ?? '');
  });
}

function createGuard(
  body: Readable,
  announcedBytes: number,
  semaphore: ByteSemaphore,
  refuse: (limit: string) => void,
): Guard {
  const counter = createJsonTokenCounter();
  let isCounted = false;
  let isLarge = false;
  return (chunk, buffered, length) => {
    if (length <= SMALL_BODY_BYTES) return;
    if (length > MAX_BODY_BYTES) return refuse(`${MAX_BODY_BYTES} bytes`);
    if (!isCounted) for (const earlier of buffered) counter.add(earlier);
    isCounted = true;
    if (!isLarge && length > LARGE_BODY_BYTES) {
      isLarge = true;
      body.pause();
      body.on(
        'close',
        semaphore.acquire(announcedBytes, () => body.resume()),
      );
    }
    if (counter.add(chunk) > MAX_JSON_TOKENS) refuse(`${MAX_JSON_TOKENS} JSON tokens`);
    else if (counter.objects > MAX_JSON_OBJECTS) refuse(`${MAX_JSON_OBJECTS} JSON objects and lists`);
  };
}
