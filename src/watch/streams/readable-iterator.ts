/** Gets one call when a read is worthwhile. An object, because a gateway has thousands: a callback would be one more each. */
export interface Reader {
  onReadable(): void;
}

/** An iterator that can also be read without a promise per value: thousands of readers get a change in one loop. */
export interface ReadableIterator<T> extends AsyncIterator<T, undefined> {
  /**
   * Returns the next value, or the end. Returns undefined when there is neither yet, and calls `reader.onReadable` when there is.
   * Throws the error that ends the iterator.
   */
  read(reader: Reader): IteratorResult<T, undefined> | undefined;
}

/** Returns the iterator with `read`, which calls `next` when the iterator has no `read` of its own. */
export function toReadable<T>(iterator: AsyncIterator<T>): ReadableIterator<T> {
  return 'read' in iterator ? (iterator as ReadableIterator<T>) : new PulledIterator(iterator); // Only ReadableIterator has it.
}

type Settled<T> = { readonly result: IteratorResult<T, undefined> } | { readonly error: unknown };

class PulledIterator<T> implements ReadableIterator<T> {
  readonly #iterator: AsyncIterator<T>;
  #settled: Settled<T> | undefined;

  constructor(iterator: AsyncIterator<T>) {
    this.#iterator = iterator;
  }

  next(): Promise<IteratorResult<T, undefined>> {
    return this.#iterator.next();
  }

  async return(): Promise<IteratorReturnResult<undefined>> {
    await this.#iterator.return?.();
    return { value: undefined, done: true };
  }

  read(reader: Reader): IteratorResult<T, undefined> | undefined {
    const settled = this.#settled;
    this.#settled = undefined;
    if (settled === undefined) void this.#pull(reader);
    else if ('error' in settled) throw settled.error;
    return settled?.result;
  }

  async #pull(reader: Reader): Promise<void> {
    try {
      this.#settled = { result: await this.#iterator.next() };
    } catch (error) {
      this.#settled = { error };
    }
    reader.onReadable();
  }
}
