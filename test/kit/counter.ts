/** A counter whose value tests can await. */
export function createCounter() {
  let count = 0;
  const waiting = new Map<() => void, number>();
  return {
    count() {
      count++;
      for (const [resolve, expected] of waiting) if (count >= expected) resolve();
    },
    /** Resolves as soon as the value is at least this. */
    reached: (expected: number) =>
      new Promise<void>((resolve) => {
        waiting.set(resolve, expected);
        if (count >= expected) resolve();
      }),
  };
}
