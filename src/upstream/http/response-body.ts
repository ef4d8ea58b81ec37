import type { Readable } from 'node:stream';
import { createJsonTokenCounter, MAX_JSON_TOKENS } from '../json/token-count.ts';
import { type ByteSemaphore, createByteSemaphore } from './byte-semaphore.ts';

const MIB = 1024 * 1024;
/** Most bytes of a body that is read whole. */
const MAX_BODY_BYTES = 32 * MIB;
/** Up to here a body is neither counted nor made to wait: nearly all are, and what they could cost is little. */
const SMALL_BODY_BYTES = MIB;
/** Most bytes of all larger bodies that are read at once: four of the largest. */
const LARGE_BODIES_BYTES = 4 * MAX_BODY_BYTES;

/** A chunk of one byte takes a hundred: so many are made into one. */
const MAX_CHUNKS = 2000;

/**
 * Reads a body of at most 32 MiB as UTF-8 text; past 1 MiB it must be JSON of at most 500,000 marks, and waits until all
 * such bodies together are at most 128 MiB, one whose length was not announced for 32 MiB. Rejects when it is beyond these
 * bounds, and when it is cut off.
 */
export type ReadText = (body: Readable, announcedLength: unknown) => Promise<string>;

export function createBodyReader(): ReadText {
  const semaphore = createByteSemaphore(LARGE_BODIES_BYTES);
  return (body, announcedLength) =>
    new Promise((resolve, reject) => {
      const refuse = (bound: string) => {
        reject(new Error(`a body of more than ${bound}`));
        body.destroy();
      };
      body.on('error', reject);
      const announced = Number(announcedLength ?? MAX_BODY_BYTES);
      if (!(announced <= MAX_BODY_BYTES)) return refuse(`${MAX_BODY_BYTES} bytes`);
      collect(body, guarding(body, announced, semaphore, refuse), resolve);
    });
}

/** Is told of each chunk, with those before it and the length of all. */
type Guard = (chunk: Buffer, before: readonly Buffer[], length: number) => void;

function collect(body: Readable, guard: Guard, done: (text: string) => void): void {
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
    chunks = []; // Not beside the text.
    done(whole?.toString() ?? '');
  });
}

function guarding(body: Readable, announced: number, semaphore: ByteSemaphore, refuse: (bound: string) => void): Guard {
  const count = createJsonTokenCounter();
  let isLarge = false;
  return (chunk, before, length) => {
    if (length <= SMALL_BODY_BYTES) return;
    if (length > MAX_BODY_BYTES) return refuse(`${MAX_BODY_BYTES} bytes`);
    if (!isLarge) {
      isLarge = true;
      for (const earlier of before) count.add(earlier);
      body.pause();
      body.on(
        'close',
        semaphore.acquire(announced, () => body.resume()),
      );
    }
    if (count.add(chunk) > MAX_JSON_TOKENS) refuse(`${MAX_JSON_TOKENS} marks of JSON`);
  };
}
