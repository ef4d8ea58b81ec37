import { createTurns } from '../../upstream/resilience/fair-queue.ts';

/** Places for a few at a time. Owners take turns in them: however many of another wait, one's own goes soon. */
export interface Places {
  /** Waits for a place. Gives what frees it; rejects with the reason of the signal, which ends the wait. */
  take(owner: string, signal: AbortSignal): Promise<() => void>;
}

export function createPlaces(most: number): Places {
  const waiting = createTurns<() => void>();
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
    take(owner, signal) {
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
