/** A number of bytes that are shared: who finds too few left waits, first come, first served. */
export interface ByteSemaphore {
  /** Takes so many, and calls `go` when it has them, at once if it can. What it gives puts them back, or ends the wait. */
  acquire(bytes: number, go: () => void): () => void;
}

interface Waiter {
  readonly bytes: number;
  readonly go: () => void;
}

/** Of `total` bytes; nobody may wish for more. */
export function createByteSemaphore(total: number): ByteSemaphore {
  const waiting = new Set<Waiter>();
  const held = new Set<Waiter>();
  let left = total;

  function grant() {
    for (const wish of waiting) {
      if (wish.bytes > left) return; // The first in the queue is not overtaken by smaller ones.
      waiting.delete(wish);
      held.add(wish);
      left -= wish.bytes;
      wish.go();
    }
  }

  return {
    acquire(bytes, go) {
      const wish = { bytes, go };
      waiting.add(wish);
      grant();
      return () => {
        if (held.delete(wish)) left += bytes;
        waiting.delete(wish);
        grant();
      };
    },
  };
}
