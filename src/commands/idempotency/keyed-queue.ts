/** What is asked for under keys: under one, one thing after the other. */
export interface KeyedQueue<T> {
  /** Runs it once all is over that runs under this key, or joins that if it is for the same request. Settles as that does. */
  run(key: string, request: string, run: () => Promise<T>): Promise<T>;
}

export function createKeyedQueue<T>(): KeyedQueue<T> {
  const underWay = new Map<string, { readonly request: string; readonly outcome: Promise<T> }>();
  return {
    async run(key, request, run) {
      for (let present = underWay.get(key); present; present = underWay.get(key)) {
        if (present.request === request) return await present.outcome;
        await present.outcome.catch(() => null); // Several may have waited: the first of them runs, the others look again.
      }
      const outcome = run().finally(() => underWay.delete(key));
      underWay.set(key, { request, outcome });
      return await outcome;
    },
  };
}
