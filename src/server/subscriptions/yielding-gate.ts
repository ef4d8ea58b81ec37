/** Lets many through a few at a time, and does what else waits in between. */
export interface YieldingGate {
  /** Resolves when it is one's turn, which comes in the order of asking. */
  wait(): Promise<void>;
}

const PASSED = Promise.resolve();

/** Of those who come together `most` pass at once. */
export function createYieldingGate(most: number): YieldingGate {
  let waiting: (() => void)[] = [];
  let passed = 0;

  function open() {
    const [next, later] = [waiting.slice(0, most), waiting.slice(most)];
    waiting = later;
    passed = next.length;
    for (const go of next) go();
    if (passed > 0) setImmediate(open);
  }

  return {
    wait() {
      if (passed === 0) setImmediate(open);
      if (passed < most && waiting.length === 0) {
        passed++;
        return PASSED;
      }
      return new Promise((resolve) => waiting.push(resolve));
    },
  };
}
