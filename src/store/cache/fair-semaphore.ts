import { createFairQueue } from '../../upstream/resilience/fair-queue.ts';

/** Places for a few at a time. Owners take turns in them: however many of another wait, one's own goes soon. */
export interface FairSemaphore {
  /** Waits for a place. Gives what frees it; rejects with the reason of the signal, which ends the wait. */
  acquire(owner: string, signal: AbortSignal): Promise<() => void>;
}

export function createFairSemaphore(most: number): FairSemaphore {
  const waiting = createFairQueue<() => void>();
  let left = most;

  function grant() {
    while (left > 0 && waiting.size > 0) {
      left--;
      waiting.take()?.();
    }
  }

  function free() {
    left++;
    grant();
  }

  return {
    acquire(owner, signal) {
      const { promise, resolve, reject } = Promise.withResolvers<() => void>();
      const leave = () => {
        waiting.delete(owner, go);
        reject(signal.reason);
      };
      const go = () => {
        signal.removeEventListener('abort', leave);
        resolve(free);
      };
      waiting.add(owner, go);
      signal.addEventListener('abort', leave);
      grant();
      return promise;
    },
  };
}
