import type { Caller } from '../../upstream/resilience/call-claims.ts';
import { isTerminal, type Job } from '../../upstream/resources/job.ts';
import type { JobChange } from '../poll/change.ts';
import type { WatchRegistry } from '../poll/registry-types.ts';
import type { WatchListener } from '../poll/watched-job.ts';
import { createConflatingQueue } from './conflating-queue.ts';

/** Iterates over a snapshot of one job, then its changes; done at a terminal status. Each iterator is a subscriber. */
export function streamJob(
  getRegistry: () => WatchRegistry,
  id: string,
  callers: Iterable<Caller>,
): AsyncIterable<JobChange> {
  return {
    [Symbol.asyncIterator]() {
      let stop: (() => void) | undefined;
      let isClosed = false;
      const queue = createConflatingQueue<JobChange>(() => {
        isClosed = true;
        stop?.();
      });
      const listener: WatchListener = {
        callers,
        onChange(change) {
          queue.put(id, change);
          if (isTerminal(change.job)) queue.end();
        },
        onEnd: (error) => queue.end(error),
      };
      const watch = getRegistry().watch(id, listener); // Returns the snapshot after adding the listener: no change is lost.
      stop = watch.stop;
      if (watch.snapshot) listener.onChange(watch.snapshot);
      if (isClosed) stop();
      return queue;
    },
  };
}

/**
 * Iterates over snapshots of all active jobs, then all changes of any job, including new ones. Yields a change if the job
 * matches before or after it. Each iterator is a subscriber.
 */
export function streamJobs(
  getRegistry: () => WatchRegistry,
  matches: (job: Job) => boolean,
  callers: Iterable<Caller>,
): AsyncIterable<JobChange> {
  return {
    [Symbol.asyncIterator]() {
      let stop: (() => void) | undefined;
      const queue = createConflatingQueue<JobChange>(() => stop?.());
      const listener: WatchListener = {
        callers,
        onChange(change) {
          const { job, previous } = change;
          if (matches(job) || (previous && matches(previous))) queue.put(job.id, change);
        },
        onEnd: (error) => queue.end(error),
      };
      const watch = getRegistry().watchAll(listener);
      stop = watch.stop;
      try {
        for (const snapshot of watch.snapshots) listener.onChange(snapshot);
      } catch (error) {
        stop(); // Without a reader, nothing else would.
        throw error;
      }
      return queue;
    },
  };
}
