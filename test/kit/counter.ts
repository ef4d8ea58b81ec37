/** Counts up; tests wait until it has come far enough. */
export function createCounter() {
  let count = 0;
  const waiting = new Map<() => void, number>();
  return {
    count() {
      count++;
      for (const [resolve, wanted] of waiting) if (count >= wanted) resolve();
    },
    reached: (wanted: number) =>
      new Promise<void>((resolve) => {
        waiting.set(resolve, wanted);
        if (count >= wanted) resolve();
      }),
  };
}
