/**
 * The unread values of one subscriber: only the latest value per key, in the order in which the keys were added. A slow
 * reader uses bounded memory and does not delay the producer.
 */
export interface ConflatingQueue<T> extends AsyncIterableIterator<T> {
  put(key: string, value: T): void;
  /** Ends the queue. The reader gets the unread values, then `error` if given. */
  end(error?: Error): void;
  return(): Promise<IteratorResult<T>>;
}

const DONE = { done: true, value: undefined } as const;

/** `onClose` is called once, when the queue ends or its reader closes it. At most one read may be pending. */
export function createConflatingQueue<T>(onClose: () => void): ConflatingQueue<T> {
  return new LatestPerKeyQueue(onClose);
}

/** A class to save memory: there can be thousands of queues, most of them empty. */
class LatestPerKeyQueue<T> implements ConflatingQueue<T> {
  readonly #onClose: () => void;
  #values: Map<string, T> | null = null;
  /** The pending read. Only set while there is no value. */
  #pendingRead: PromiseWithResolvers<IteratorResult<T>> | null = null;
  #error: Error | undefined;
  #isClosed = false;

  constructor(onClose: () => void) {
    this.#onClose = onClose;
  }

  put(key: string, value: T) {
    if (this.#isClosed) return;
    const read = this.#takePendingRead();
    if (read) return read.resolve({ done: false, value });
    this.#values ??= new Map();
    this.#values.set(key, value);
  }

  end(error?: Error): void {
    if (this.#isClosed) return;
    this.#close();
    const read = this.#takePendingRead();
    if (!read) this.#error = error;
    else if (error) read.reject(error);
    else read.resolve(DONE);
  }

  next(): Promise<IteratorResult<T>> {
    for (const [key, value] of this.#values ?? []) {
      this.#values?.delete(key);
      if (this.#values?.size === 0) this.#values = null;
      return Promise.resolve({ done: false, value });
    }
    const error = this.#error;
    this.#error = undefined;
    if (error) return Promise.reject(error);
    if (this.#isClosed) return Promise.resolve(DONE);
    this.#pendingRead = Promise.withResolvers();
    return this.#pendingRead.promise;
  }

  return(): Promise<IteratorResult<T>> {
    this.#values = null;
    this.#error = undefined;
    this.#close();
    this.#takePendingRead()?.resolve(DONE);
    return Promise.resolve(DONE);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #close() {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#onClose();
  }

  #takePendingRead() {
    const read = this.#pendingRead;
    this.#pendingRead = null;
    return read;
  }
}
