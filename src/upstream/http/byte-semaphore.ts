/** A semaphore over bytes. Acquisitions are granted in the order of their calls, each once its bytes are free. */
export interface ByteSemaphore {
  /** Calls `onAcquired` once the bytes are free, at once if they are. Returns a function that releases them or ends the wait. */
  acquire(bytes: number, onAcquired: () => void): () => void;
}

interface Acquisition {
  readonly bytes: number;
  readonly onAcquired: () => void;
}

/** No acquisition may exceed `totalBytes`: it would never be granted. */
export function createByteSemaphore(totalBytes: number): ByteSemaphore {
  const waiting = new Set<Acquisition>();
  const granted = new Set<Acquisition>();
  let freeBytes = totalBytes;

  function grant() {
    for (const acquisition of waiting) {
      if (acquisition.bytes > freeBytes) return; // Smaller ones do not overtake the first in the queue.
      waiting.delete(acquisition);
      granted.add(acquisition);
      freeBytes -= acquisition.bytes;
      acquisition.onAcquired();
    }
  }

  return {
    acquire(bytes, onAcquired) {
      const acquisition = { bytes, onAcquired };
      waiting.add(acquisition);
      grant();
      return () => {
        if (granted.delete(acquisition)) freeBytes += bytes;
        waiting.delete(acquisition);
        grant();
      };
    },
  };
}
