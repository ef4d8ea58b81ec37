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

/** The source of the chunks. */
interface Flow {
  pause(): void;
  resume(): void;
}

/**
 * Collects a body of at most 32 MiB as UTF-8 text. A body over 128 KiB may have at most 500,000 JSON tokens and 125,000
 * objects and lists. A body over 1 MiB waits until all such bodies together take at most 128 MiB; one without
 * `content-length` counts as 32 MiB. A class, because there is one per response.
 */
export class BodyText {
  readonly #flow: Flow;
  readonly #semaphore: ByteSemaphore;
  readonly #announcedBytes: number;
  #chunks: Buffer[] = [];
  #length = 0;
  #counter: ReturnType<typeof createJsonTokenCounter> | null = null;
  #release: (() => void) | null = null;

  /** Throws when the header `content-length` exceeds the maximum. */
  constructor(contentLength: unknown, flow: Flow, semaphore: ByteSemaphore) {
    this.#flow = flow;
    this.#semaphore = semaphore;
    this.#announcedBytes = Number(contentLength ?? MAX_BODY_BYTES);
    if (!(this.#announcedBytes <= MAX_BODY_BYTES)) throw exceeds(`${MAX_BODY_BYTES} bytes`);
  }

  /** Throws when the body exceeds a limit. */
  add(chunk: Buffer): void {
    this.#length += chunk.length;
    if (this.#length > SMALL_BODY_BYTES) this.#check(chunk);
    this.#chunks.push(chunk);
    if (this.#chunks.length >= MAX_CHUNKS) this.#chunks = [Buffer.concat(this.#chunks, this.#length)];
  }

  /** Returns the text of the whole body. */
  take(): string {
    const [first, ...others] = this.#chunks;
    const whole = others.length === 0 ? first : Buffer.concat(this.#chunks, this.#length);
    this.#chunks = []; // Freed before the text is created.
    return whole?.toString() ?? '';
  }

  /** Releases the bytes of a large body. */
  close(): void {
    const release = this.#release;
    this.#release = null;
    if (release !== null) queueMicrotask(release); // The next body must not resume within a callback of undici's parser.
  }

  #check(chunk: Buffer) {
    if (this.#length > MAX_BODY_BYTES) throw exceeds(`${MAX_BODY_BYTES} bytes`);
    if (this.#counter === null) {
      this.#counter = createJsonTokenCounter();
      for (const earlier of this.#chunks) this.#counter.add(earlier);
    }
    if (this.#length > LARGE_BODY_BYTES) this.#acquire();
    if (this.#counter.add(chunk) > MAX_JSON_TOKENS) throw exceeds(`${MAX_JSON_TOKENS} JSON tokens`);
    if (this.#counter.objects > MAX_JSON_OBJECTS) throw exceeds(`${MAX_JSON_OBJECTS} JSON objects and lists`);
  }

  #acquire() {
    if (this.#release !== null) return;
    this.#flow.pause();
    this.#release = this.#semaphore.acquire(this.#announcedBytes, () => this.#flow.resume());
  }
}

const exceeds = (limit: string) => new Error(`body: exceeds ${limit}`);
