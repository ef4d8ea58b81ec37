import { isTerminal, type Job } from '../../upstream/resources/job.ts';
import type { JobChange } from '../poll/change.ts';
import type { WatchRegistry } from '../poll/watch-registry.ts';
import type { WatchListener } from '../poll/watched-job.ts';
import { createConflatingQueue } from './conflating-queue.ts';

/** One job's state, and then its changes; done when it has come to its end. Each iterator is a subscriber of its own. */
export function streamJob(boardOf: () => WatchRegistry, id: string): AsyncIterable<JobChange> {
  return {
    [Symbol.asyncIterator]() {
      let leave: (() => void) | undefined;
      let hasLeft = false;
      const slot = createConflatingQueue<JobChange>(() => {
        hasLeft = true;
        leave?.();
      });
      const listener: WatchListener = {
        onChange(change) {
          slot.put(id, change);
          if (isTerminal(change.job)) slot.end();
        },
        onEnd: (error) => slot.end(error),
      };
      const followed = boardOf().follow(id, listener); // Before the present state is taken: nothing comes in between.
      leave = followed.leave;
      if (followed.current) listener.onChange(followed.current);
      if (hasLeft) leave();
      return slot;
    },
  };
}

/**
 * The state of every job that moves, and then every change of any job, new ones too. A change is given when the job
 * matches before or after it, so that leaving is seen. Each iterator is a subscriber of its own.
 */
export function streamJobs(boardOf: () => WatchRegistry, matches: (job: Job) => boolean): AsyncIterable<JobChange> {
  return {
    [Symbol.asyncIterator]() {
      let leave: (() => void) | undefined;
      const slot = createConflatingQueue<JobChange>(() => leave?.());
      const listener: WatchListener = {
        onChange(change) {
          const { job, previous } = change;
          if (matches(job) || (previous && matches(previous))) slot.put(job.id, change);
        },
        onEnd: (error) => slot.end(error),
      };
      const followed = boardOf().followAll(listener);
      leave = followed.leave;
      for (const change of followed.current) listener.onChange(change);
      return slot;
    },
  };
}
