/** Runs tasks one at a time per key. */
export interface KeyedQueue<T> {
  /** Runs the task after all others with this key, or joins one with the same request. Settles as the task does. */
  run(key: string, request: string, task: () => Promise<T>): Promise<T>;
}

export function createKeyedQueue<T>(): KeyedQueue<T> {
  const running = new Map<string, { readonly request: string; readonly result: Promise<T> }>();
  return {
    async run(key, request, task) {
      for (let current = running.get(key); current; current = running.get(key)) {
        if (current.request === request) return await current.result;
        await current.result.catch(() => null); // Race: the first of several waiters runs; the others check again.
      }
      const result = task().finally(() => running.delete(key));
      running.set(key, { request, result });
      return await result;
    },
  };
}
