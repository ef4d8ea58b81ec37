/**
 * An iterator that a generator makes, and that ends at once when its reader leaves: by itself a generator that waits for
 * something does not hear `return()` before that has come. `onLeave` is called once, however it ends.
 */
export function cancellableIterator<T>(
  generate: (signal: AbortSignal) => AsyncGenerator<T>,
  onLeave: () => void,
): AsyncIterableIterator<T> & { return(): Promise<IteratorResult<T>> } {
  const leaving = new AbortController();
  let hasLeft = false;
  const leave = () => {
    if (!hasLeft) onLeave();
    hasLeft = true;
  };

  async function* run(): AsyncGenerator<T> {
    try {
      yield* generate(leaving.signal);
    } catch (error) {
      if (!leaving.signal.aborted) throw error;
    } finally {
      leave();
    }
  }

  const values = run();
  return {
    next: () => values.next(),
    return() {
      leaving.abort(new Error('The reader has left.'));
      leave(); // A generator that was never asked does not run to its end.
      return values.return(undefined);
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
