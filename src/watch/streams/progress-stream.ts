import type { Caller } from '../../upstream/resilience/call-claims.ts';
import { isTerminal, type Job } from '../../upstream/resources/job.ts';
import type { ProgressObservation } from '../poll/followed-job.ts';
import type { ProgressReader } from '../poll/progress-reader.ts';
import { createConflatingQueue } from './conflating-queue.ts';

/** Iterates over the present progress of a job, then over each step that moves; done when the job has ended. */
export function streamProgress(
  getReader: () => ProgressReader,
  jobId: string,
  callers: Iterable<Caller>,
): AsyncIterable<ProgressObservation> {
  return {
    [Symbol.asyncIterator]() {
      let stop: (() => void) | undefined;
      let isClosed = false;
      const queue = createConflatingQueue<ProgressObservation>(() => {
        isClosed = true;
        stop?.();
      });
      stop = getReader().watch(jobId, {
        callers,
        onProgress(observation) {
          queue.put(jobId, observation);
          if (isTerminal(observation.job)) queue.end();
        },
        onEnd: (error) => queue.end(error),
      });
      if (isClosed) stop();
      return queue;
    },
  };
}

/** The same for all jobs that match: for each the present progress, then its moves and its end. */
export function streamAllProgress(
  getReader: () => ProgressReader,
  matches: (job: Job) => boolean,
  callers: Iterable<Caller>,
): AsyncIterable<ProgressObservation> {
  return {
    [Symbol.asyncIterator]() {
      let stop: (() => void) | undefined;
      const queue = createConflatingQueue<ProgressObservation>(() => stop?.());
      stop = getReader().watchAll({
        callers,
        onProgress(observation) {
          if (matches(observation.job)) queue.put(observation.job.id, observation);
        },
        onEnd: (error) => queue.end(error),
      });
      return queue;
    },
  };
}
