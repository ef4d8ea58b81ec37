import { LRUCache } from 'lru-cache';
import type { Access } from '../../store/cache/scope.ts';
import { createReadContext } from '../../store/cache/single-flight.ts';
import type { Store } from '../../store/store.ts';
import { seriesOfEvents, stepReportOf } from '../../upstream/metrics/event-metrics.ts';
import type { MetricsSeries } from '../../upstream/metrics/metrics.ts';
import type { JobEvent } from '../../upstream/resources/event.ts';
import type { Job } from '../../upstream/resources/job.ts';
import type { EventTail } from '../poll/event-tail.ts';
import { createCancellableIterator } from './cancellable-iterator.ts';
import { createLogReader, type EventStart, UnknownCursor } from './log-reader.ts';

/** Maximum number of items that the readers of a stream share as one object: those of the events read last. */
const MAX_SHARED_ITEMS = 256;

/** An item added to a job's log, and the job as last observed. Readers share one object per item. */
export interface AddedItem<T> {
  readonly job: Job;
  readonly value: T;
}

export interface EventStreamOptions<T> {
  access: Access;
  store: Store;
  jobId: string;
  start: EventStart;
  /** Returns a selector for one reader: from an event to the value to send, or null to skip it. */
  select: () => (event: JobEvent) => T | null;
  /** Returns the shared tail of the log. The caller must call `close` once. */
  openTail: () => { tail: EventTail; close: () => void };
}

/**
 * Iterates over the events added to a job's log, oldest first, without gaps and duplicates; done when the log is closed.
 * Each iterator is a subscriber with its own cursor in the log: there is no queue per subscriber.
 */
export function streamEvents<T>(options: EventStreamOptions<T>): AsyncIterable<AddedItem<T>> {
  // Most readers are at the end of the log. Items for the others are created again: caching them all takes too much memory.
  const sharedItems = new LRUCache<string, AddedItem<T>>({ max: MAX_SHARED_ITEMS });
  return {
    [Symbol.asyncIterator]() {
      const { tail, close } = options.openTail();
      return createCancellableIterator((signal) => readEvents(options, tail, sharedItems, signal), close);
    },
  };
}

/** Selects each event. */
export const anyEvent = () => (event: JobEvent) => event;

/** Selects the metrics of each step greater than `last` and than all steps selected before. */
export function stepsAfter(last: number): () => (event: JobEvent) => MetricsSeries | null {
  return () => {
    let lastStep = last;
    return (event) => {
      const report = stepReportOf(event);
      if (report === null || report.step <= lastStep) return null;
      lastStep = report.step;
      return seriesOfEvents([event], true);
    };
  };
}

async function* readEvents<T>(
  { access, store, jobId, start, select }: EventStreamOptions<T>,
  tail: EventTail,
  sharedItems: LRUCache<string, AddedItem<T>>,
  signal: AbortSignal,
): AsyncGenerator<AddedItem<T>> {
  await tail.waitForUpdate(0, signal); // The first poll.
  const reader = createLogReader(access, store, jobId, createReadContext(signal));
  const selectValue = select();
  let cursor = await reader.cursorOf(start).catch(async (error) => {
    if (!(error instanceof UnknownCursor) || tail.isClosed) throw error;
    await tail.pollNow(signal); // The event may have been added since the last poll.
    return signal.aborted ? null : await reader.cursorOf(start);
  });
  while (!signal.aborted) {
    const { version, isClosed } = tail;
    const events = await reader.readAfter(cursor);
    for (const event of events) {
      cursor = event.id;
      const value = selectValue(event);
      if (value === null || !tail.job) continue;
      const item = sharedItems.get(event.id) ?? { job: tail.job, value };
      sharedItems.set(event.id, item);
      yield item;
    }
    if (events.length > 0) continue;
    if (isClosed) return;
    await tail.waitForUpdate(version, signal);
  }
}
