import { type StateConflated, stateConflated } from '../../telemetry/events.ts';
import type { ReadableIterator, Reader } from './readable-iterator.ts';

/**
 * The unread values of one subscriber: only the latest value per key, in the order in which the keys were added. A slow
 * reader uses bounded memory and does not delay the producer.
 */
export interface ConflatingQueue<T> extends ReadableIterator<T>, AsyncIterable<T, undefined> {
  put(key: string, value: T): void;
  /** Ends the queue. The reader gets the unread values, then `error` if given. */
  end(error?: Error): void;
  return(): Promise<IteratorReturnResult<undefined>>;
  [Symbol.asyncIterator](): ConflatingQueue<T>;
}

const CONFLATED: StateConflated = { kind: 'state' };

function reportConflation() {
  if (stateConflated.hasSubscribers) stateConflated.publish(CONFLATED);
}

const DONE = { done: true, value: undefined } as const;

/** `onClose` is called once, when the queue ends or its reader closes it. At most one read may be pending. */
export function createConflatingQueue<T>(onClose: () => void): ConflatingQueue<T> {
  return new LatestPerKeyQueue(onClose);
}

/** A class to save memory: there can be thousands of queues, most of them empty. */
class LatestPerKeyQueue<T> implements ConflatingQueue<T> {
  readonly #onClose: () => void;
  /** The first unread value. Most queues have a single key: they need no map. */
  #first: { readonly key: string; value: T } | null = null;
  /** The unread values behind the first one. */
  #others: Map<string, T> | null = null;
  /** The reader that waits. Only set while there is nothing to read. */
  #reader: Reader | null = null;
  #error: Error | undefined;
  #isClosed = false;

  constructor(onClose: () => void) {
    this.#onClose = onClose;
  }

  put(key: string, value: T): void {
    if (this.#isClosed) return;
    if (this.#first === null) this.#first = { key, value };
    else if (this.#first.key === key) {
      this.#first.value = value;
      reportConflation();
    } else {
      this.#others ??= new Map();
      if (this.#others.has(key)) reportConflation();
      this.#others.set(key, value);
    }
    this.#wakeReader();
  }

  end(error?: Error): void {
    if (this.#isClosed) return;
    this.#error = error;
    this.#close();
    this.#wakeReader();
  }

  read(reader: Reader): IteratorResult<T, undefined> | undefined {
    if (this.#first !== null) return { done: false, value: this.#take(this.#first) };
    const error = this.#error;
    this.#error = undefined;
    if (error) throw error;
    if (this.#isClosed) return DONE;
    this.#reader = reader;
    return undefined;
  }

  next(): Promise<IteratorResult<T, undefined>> {
    return new Promise((resolve, reject) => {
      const onReadable = () => {
        try {
          const result = this.read({ onReadable });
          if (result) resolve(result);
        } catch (error) {
          reject(error);
        }
      };
      onReadable();
    });
  }

  async return(): Promise<IteratorReturnResult<undefined>> {
    this.#first = null;
    this.#others = null;
    this.#error = undefined;
    this.#close();
    this.#wakeReader();
    return DONE;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #take({ value }: { readonly value: T }): T {
    const [next] = this.#others ?? [];
    this.#first = next ? { key: next[0], value: next[1] } : null;
    if (next) this.#others?.delete(next[0]);
    if (this.#others?.size === 0) this.#others = null;
    return value;
  }

  #close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#onClose();
  }

  #wakeReader(): void {
    const reader = this.#reader;
    this.#reader = null;
    reader?.onReadable();
  }
}
