import { LRUCache } from 'lru-cache';
import type { Access } from '../../store/cache/scope.ts';
import { createReadContext } from '../../store/cache/single-flight.ts';
import type { Store } from '../../store/store.ts';
import { seriesOfEvents, stepReportOf } from '../../upstream/metrics/event-metrics.ts';
import type { MetricsSeries } from '../../upstream/metrics/metrics.ts';
import type { JobEvent } from '../../upstream/resources/event.ts';
import type { Job } from '../../upstream/resources/job.ts';
import type { EventTail } from '../poll/event-tail.ts';
import { cancellableIterator } from './cancellable-iterator.ts';
import { createLogReader, type EventStart, UnknownCursor } from './log-reader.ts';

/** Of how many events, the newest that were read, all readers of a stream get the same object. */
const MAX_SHARED = 256;

/** Something that was added to a job's log, with the job as it was seen then. The same one is one object for all readers. */
export interface AddedItem<T> {
  readonly job: Job;
  readonly value: T;
}

export interface EventStreamOptions<T> {
  access: Access;
  store: Store;
  jobId: string;
  start: EventStart;
  /** What is given of an event; null for nothing. Made anew for each reader. */
  select: () => (event: JobEvent) => T | null;
  /** Joins those who read this log; `leave` has to be called in the end. */
  join: () => { tail: EventTail; leave: () => void };
}

/**
 * What is added to a job's log, oldest first, nothing left out and nothing twice; done when nothing comes any more. Each
 * iterator is a reader of its own, who takes what it has not read from the log: no queue is kept for it.
 */
export function streamEvents<T>(options: EventStreamOptions<T>): AsyncIterable<AddedItem<T>> {
  // Readers are mostly at the end of the log. What was made for those behind is made again: it would weigh as much as the log.
  const made = new LRUCache<string, AddedItem<T>>({ max: MAX_SHARED });
  return {
    [Symbol.asyncIterator]() {
      const { tail, leave } = options.join();
      return cancellableIterator((signal) => readOn(options, tail, made, signal), leave);
    },
  };
}

async function* readOn<T>(
  { access, store, jobId, start, select }: EventStreamOptions<T>,
  tail: EventTail,
  made: LRUCache<string, AddedItem<T>>,
  signal: AbortSignal,
): AsyncGenerator<AddedItem<T>> {
  await tail.waitForUpdate(0, signal); // The first look.
  const reader = createLogReader(access, store, jobId, createReadContext(signal));
  const wanted = select();
  let place = await reader.begin(start).catch(async (error) => {
    if (!(error instanceof UnknownCursor)) throw error;
    await tail.pollNow(signal); // The place may be newer than the last look.
    return signal.aborted ? null : await reader.begin(start);
  });
  while (!signal.aborted) {
    const { version, isClosed } = tail;
    const events = await reader.next(place);
    for (const event of events) {
      place = event.id;
      const value = wanted(event);
      if (value === null || !tail.job) continue;
      const added = made.get(event.id) ?? { job: tail.job, value };
      made.set(event.id, added);
      yield added;
    }
    if (events.length > 0) continue;
    if (isClosed) return;
    await tail.waitForUpdate(version, signal);
  }
}

/** Every event. */
export const anyEvent = () => (event: JobEvent) => event;

/** The measurements of the steps behind the last one that was seen. */
export function stepsAfter(last: number): () => (event: JobEvent) => MetricsSeries | null {
  return () => {
    let seen = last;
    return (event) => {
      const mark = stepReportOf(event);
      if (mark === null || mark.step <= seen) return null;
      seen = mark.step;
      return seriesOfEvents([event], true);
    };
  };
}
