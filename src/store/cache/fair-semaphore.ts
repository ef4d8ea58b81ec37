import { createFairQueue } from '../../upstream/resilience/fair-queue.ts';

/** A semaphore that serves owners in turn: one owner's many waiters do not delay another owner's first. */
export interface FairSemaphore {
  /** Acquires a permit. Resolves to its release function; rejects with `signal.reason` when aborted while waiting. */
  acquire(owner: string, signal: AbortSignal): Promise<() => void>;
}

export function createFairSemaphore(permits: number): FairSemaphore {
  const waiting = createFairQueue<() => void>();
  let available = permits;

  function grantWaiting() {
    while (available > 0 && waiting.size > 0) {
      available--;
      waiting.take()?.();
    }
  }

  function release() {
    available++;
    grantWaiting();
  }

  return {
    acquire(owner, signal) {
      const { promise, resolve, reject } = Promise.withResolvers<() => void>();
      const onAbort = () => {
        waiting.delete(owner, grant);
        reject(signal.reason);
      };
      const grant = () => {
        signal.removeEventListener('abort', onAbort);
        resolve(release);
      };
      waiting.add(owner, grant);
      signal.addEventListener('abort', onAbort);
      grantWaiting();
      return promise;
    },
  };
}
