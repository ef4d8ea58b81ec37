/** A number of bytes that are shared: who finds too few left waits, first come, first served. */
export interface Reserve {
  /** Takes so many, and calls `go` when it has them, at once if it can. What it gives puts them back, or ends the wait. */
  take(bytes: number, go: () => void): () => void;
}

interface Wish {
  readonly bytes: number;
  readonly go: () => void;
}

/** Of `total` bytes; nobody may wish for more. */
export function createReserve(total: number): Reserve {
  const waiting = new Set<Wish>();
  const held = new Set<Wish>();
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
    take(bytes, go) {
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
