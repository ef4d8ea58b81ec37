/** Lets callers pass in small batches, and yields to the event loop between the batches. */
export interface YieldingGate {
  /** Resolves when the caller may pass. Callers pass in the order of their calls. */
  wait(): Promise<void>;
}

const PASSED = Promise.resolve();

/** Creates a gate that lets `batchSize` callers pass in each turn of the event loop. */
export function createYieldingGate(batchSize: number): YieldingGate {
  let waiting: (() => void)[] = [];
  let passed = 0;

  function openBatch() {
    const batch = waiting.slice(0, batchSize);
    waiting = waiting.slice(batchSize);
    passed = batch.length;
    for (const resolve of batch) resolve();
    if (passed > 0) setImmediate(openBatch);
  }

  return {
    wait() {
      if (passed === 0) setImmediate(openBatch);
      if (passed < batchSize && waiting.length === 0) {
        passed++;
        return PASSED;
      }
      return new Promise((resolve) => waiting.push(resolve));
    },
  };
}
