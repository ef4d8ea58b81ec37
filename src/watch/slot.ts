/**
 * What one subscriber has not read yet: of each key the newest value, in the order in which the keys came. A reader that is
 * slow, or never comes, costs a slot and delays nobody.
 */
export interface Slot<T> extends AsyncIterableIterator<T> {
  put(key: string, value: T): void;
  /** Nothing comes any more: what is there is still read, and then `error` if one is given. */
  end(error?: Error): void;
  return(): Promise<IteratorResult<T>>;
}

const DONE = { done: true, value: undefined } as const;

/** `onLeave` is called once: when nothing comes any more, or the reader has left. One read may be under way at a time. */
export function createSlot<T>(onLeave: () => void): Slot<T> {
  let values: Map<string, T> | null = null; // Most slots are empty most of the time, and there may be thousands.
  let parked: PromiseWithResolvers<IteratorResult<T>> | null = null;
  let error: Error | undefined;
  let hasEnded = false;

  function leave() {
    if (hasEnded) return;
    hasEnded = true;
    onLeave();
  }

  /** What can be read now; null when that is nothing, and more may come. */
  function taken(): Promise<IteratorResult<T>> | null {
    for (const [key, value] of values ?? []) {
      values?.delete(key);
      if (values?.size === 0) values = null;
      return Promise.resolve({ done: false, value });
    }
    if (!hasEnded) return null;
    const failure = error;
    error = undefined;
    return failure ? Promise.reject(failure) : Promise.resolve(DONE);
  }

  function wake() {
    const outcome = parked && taken();
    if (!outcome) return;
    parked?.resolve(outcome);
    parked = null;
  }

  return {
    put(key, value) {
      if (hasEnded) return;
      values ??= new Map();
      values.set(key, value);
      wake();
    },
    end(reason) {
      if (hasEnded) return;
      error = reason;
      leave();
      wake();
    },
    next() {
      const outcome = taken();
      if (outcome) return outcome;
      parked = Promise.withResolvers();
      return parked.promise;
    },
    return() {
      values = null;
      error = undefined;
      leave();
      wake();
      return Promise.resolve(DONE);
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
