import type { OpenCounts, Opening } from '../open-counts.ts';

/** The counts of one process, which are known at once. */
export interface MemoryOpenCounts extends OpenCounts {
  open(caller: string, max: number): Opening;
}

export function createMemoryOpenCounts(): MemoryOpenCounts {
  const countByCaller = new Map<string, number>();
  return {
    open(caller, max) {
      const count = countByCaller.get(caller) ?? 0;
      if (count >= max) return null;
      countByCaller.set(caller, count + 1);
      return () => {
        const remaining = (countByCaller.get(caller) ?? 1) - 1;
        if (remaining > 0) countByCaller.set(caller, remaining);
        else countByCaller.delete(caller);
      };
    },
  };
}
