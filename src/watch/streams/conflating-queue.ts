/**
 * What one subscriber has not read yet: of each key the newest value, in the order in which the keys came. A reader that is
 * slow, or never comes, costs a slot and delays nobody.
 */
export interface ConflatingQueue<T> extends AsyncIterableIterator<T> {
  put(key: string, value: T): void;
  /** Nothing comes any more: what is there is still read, and then `error` if one is given. */
  end(error?: Error): void;
  return(): Promise<IteratorResult<T>>;
}

const DONE = { done: true, value: undefined } as const;

/** `onLeave` is called once: when nothing comes any more, or the reader has left. One read may be under way at a time. */
export function createConflatingQueue<T>(onLeave: () => void): ConflatingQueue<T> {
  return new NewestPerKeyQueue(onLeave);
}

/** A class, as there may be thousands, most of them empty most of the time. */
class NewestPerKeyQueue<T> implements ConflatingQueue<T> {
  readonly #onLeave: () => void;
  #values: Map<string, T> | null = null;
  /** The reader that waits. There is no value then. */
  #parked: PromiseWithResolvers<IteratorResult<T>> | null = null;
  #error: Error | undefined;
  #hasEnded = false;

  constructor(onLeave: () => void) {
    this.#onLeave = onLeave;
  }

  put(key: string, value: T) {
    if (this.#hasEnded) return;
    const reader = this.#unpark();
    if (reader) return reader.resolve({ done: false, value });
    this.#values ??= new Map();
    this.#values.set(key, value);
  }

  end(error?: Error): void {
    if (this.#hasEnded) return;
    this.#leave();
    const reader = this.#unpark();
    if (!reader) this.#error = error;
    else if (error) reader.reject(error);
    else reader.resolve(DONE);
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
    if (this.#hasEnded) return Promise.resolve(DONE);
    this.#parked = Promise.withResolvers();
    return this.#parked.promise;
  }

  return(): Promise<IteratorResult<T>> {
    this.#values = null;
    this.#error = undefined;
    this.#leave();
    this.#unpark()?.resolve(DONE);
    return Promise.resolve(DONE);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #leave() {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#onLeave();
  }

  #unpark() {
    const reader = this.#parked;
    this.#parked = null;
    return reader;
  }
}
