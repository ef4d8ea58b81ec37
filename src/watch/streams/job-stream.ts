import { isTerminal, type Job } from '../../upstream/resources/job.ts';
import type { JobChange } from '../poll/change.ts';
import type { Board } from '../poll/watch-registry.ts';
import type { Follower } from '../poll/watched-job.ts';
import { createSlot } from './conflating-queue.ts';

/** One job's state, and then its changes; done when it has come to its end. Each iterator is a subscriber of its own. */
export function streamJob(boardOf: () => Board, id: string): AsyncIterable<JobChange> {
  return {
    [Symbol.asyncIterator]() {
      let leave: (() => void) | undefined;
      let hasLeft = false;
      const slot = createSlot<JobChange>(() => {
        hasLeft = true;
        leave?.();
      });
      const follower: Follower = {
        tell(change) {
          slot.put(id, change);
          if (isTerminal(change.job)) slot.end();
        },
        end: (error) => slot.end(error),
      };
      const followed = boardOf().follow(id, follower); // Before the present state is taken: nothing comes in between.
      leave = followed.leave;
      if (followed.current) follower.tell(followed.current);
      if (hasLeft) leave();
      return slot;
    },
  };
}

/**
 * The state of every job that moves, and then every change of any job, new ones too. A change is given when the job
 * matches before or after it, so that leaving is seen. Each iterator is a subscriber of its own.
 */
export function streamJobs(boardOf: () => Board, matches: (job: Job) => boolean): AsyncIterable<JobChange> {
  return {
    [Symbol.asyncIterator]() {
      let leave: (() => void) | undefined;
      const slot = createSlot<JobChange>(() => leave?.());
      const follower: Follower = {
        tell(change) {
          const { job, previous } = change;
          if (matches(job) || (previous && matches(previous))) slot.put(job.id, change);
        },
        end: (error) => slot.end(error),
      };
      const followed = boardOf().followAll(follower);
      leave = followed.leave;
      for (const change of followed.current) follower.tell(change);
      return slot;
    },
  };
}
