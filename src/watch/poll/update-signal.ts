/** Tells waiting readers that there is an update. */
export interface UpdateSignal {
  /** Increases with each update. */
  readonly version: number;
  readonly error: Error | undefined;
  notify(): void;
  /** Rejects present and later waits. Returns false when it has failed before. */
  fail(error: Error): boolean;
  /** Resolves when `version` differs from the argument, or on abort. Rejects when the signal fails. */
  wait(version: number, signal: AbortSignal): Promise<void>;
}

export function createUpdateSignal(): UpdateSignal {
  const waiters = new Set<PromiseWithResolvers<void>>();
  let version = 0;
  let error: Error | undefined;

  return {
    get version() {
      return version;
    },
    get error() {
      return error;
    },
    notify() {
      version++;
      for (const { resolve } of waiters) resolve();
      waiters.clear();
    },
    fail(reason) {
      if (error) return false;
      error = reason;
      for (const { reject } of waiters) reject(reason);
      waiters.clear();
      return true;
    },
    async wait(knownVersion, signal) {
      if (error) throw error;
      if (version !== knownVersion || signal.aborted) return;
      const waiter = Promise.withResolvers<void>();
      const onAbort = () => {
        waiters.delete(waiter);
        waiter.resolve();
      };
      waiters.add(waiter);
      signal.addEventListener('abort', onAbort);
      try {
        await waiter.promise;
      } finally {
        signal.removeEventListener('abort', onAbort);
      }
    },
  };
}
