/**
 * Creates an iterator over a generator that ends at once on `return()`. A plain generator that awaits a promise handles
 * `return()` only after that promise settles. `onClose` is called once, when the iterator ends or is closed.
 */
export function createCancellableIterator<T>(
  generate: (signal: AbortSignal) => AsyncGenerator<T>,
  onClose: () => void,
): AsyncIterableIterator<T> & { return(): Promise<IteratorResult<T>> } {
  const controller = new AbortController();
  let isClosed = false;
  const close = () => {
    if (!isClosed) onClose();
    isClosed = true;
  };

  async function* run(): AsyncGenerator<T> {
    try {
      yield* generate(controller.signal);
    } catch (error) {
      if (!controller.signal.aborted) throw error;
    } finally {
      close();
    }
  }

  const values = run();
  return {
    next: () => values.next(),
    return() {
      controller.abort(new Error('The iterator was closed.'));
      close(); // A generator that was never started does not run its finally block.
      return values.return(undefined);
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
