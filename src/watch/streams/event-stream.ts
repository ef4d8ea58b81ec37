import { LRUCache } from 'lru-cache';
import { createReadContext } from '../../store/cache/read-context.ts';
import type { Access } from '../../store/cache/scope.ts';
import { keyOf, type LogItem } from '../../store/resources/log-item.ts';
import type { LogSegment } from '../../store/resources/log-segment.ts';
import type { Store } from '../../store/store.ts';
import type { UpstreamError } from '../../upstream/errors/upstream-error.ts';
import { seriesOfEvents, stepReportOf } from '../../upstream/metrics/event-metrics.ts';
import type { MetricsSeries } from '../../upstream/metrics/metrics.ts';
import type { Claimant } from '../../upstream/resilience/call-claims.ts';
import type { JobEvent } from '../../upstream/resources/event.ts';
import type { Job } from '../../upstream/resources/job.ts';
import type { EventTail } from '../poll/event-tail.ts';
import { createCancellableIterator } from './cancellable-iterator.ts';
import { createLogReader, type EventStart, type LogEntry, UnknownCursor } from './log-reader.ts';

/** Maximum number of items that the readers of a stream share as one object: those of the events read last. */
const MAX_SHARED_ITEMS = 256;

/** An item added to a job's log, and the job as last observed. Readers share one object per item. */
export interface AddedItem<T> {
  readonly job: Job;
  readonly value: T;
}

/** An item of the log that cannot be read. Only this item is lost: the stream continues. */
interface UnreadableItem {
  readonly error: UpstreamError;
}

export type Added<T> = AddedItem<T> | UnreadableItem;

/** Returns the item. Throws the error of an item that cannot be read. */
export function requireReadable<T>(added: Added<T>): AddedItem<T> {
  if ('error' in added) throw added.error;
  return added;
}

/** Returns the value to send for an event, or null to skip it. `entry` says where the event is in the log. */
type EventSelector<T> = (event: JobEvent, entry: LogEntry) => T | null;

export interface EventStreamOptions<T> {
  access: Access;
  store: Store;
  jobId: string;
  start: EventStart;
  /** Pays for the pages that a reader reads back. */
  claimant: Claimant;
  /** Returns a selector for one reader. */
  select: () => EventSelector<T>;
  /** Returns the shared tail of the log. The caller must call `close` once. */
  openTail: () => { tail: EventTail; close: () => void };
}

/**
 * Iterates over the events added to a job's log, oldest first, without gaps and duplicates; done when the log is closed. An
 * event that the server inserts behind the others follows them. An item that cannot be read comes as its error.
 * Each iterator is a subscriber with its own cursor in the log: there is no queue per subscriber.
 */
export function streamEvents<T>(options: EventStreamOptions<T>): AsyncIterable<Added<T>> {
  // Most readers are at the end of the log. Items for the others are created again: caching them all takes too much memory.
  const sharedItems = new LRUCache<string, Added<T>>({ max: MAX_SHARED_ITEMS });
  return {
    [Symbol.asyncIterator]() {
      const { tail, close } = options.openTail();
      return createCancellableIterator((signal) => readEvents(options, tail, sharedItems, signal), close);
    },
  };
}

/** Selects each event. */
export const anyEvent = () => (event: JobEvent) => event;

/**
 * Selects the metrics of each step greater than `last` and than all steps selected before. Of the events that the server
 * inserts behind others, it also selects those with a step that no other event has.
 */
export function stepsAfter(last: number): () => EventSelector<MetricsSeries> {
  return () => {
    let lastStep = last;
    const insertedSteps = new Set<number>();
    return (event, { item, insertedInto }) => {
      const report = stepReportOf(event);
      if (report === null || report.step <= last || insertedSteps.has(report.step)) return null;
      if (insertedInto === null) {
        if (report.step <= lastStep) return null;
        lastStep = report.step;
      } else {
        if (firstReports(insertedInto).get(report.step) !== item) return null;
        insertedSteps.add(report.step); // Lower steps can follow: those of the log in its order.
      }
      return seriesOfEvents([event], true);
    };
  };
}

async function* readEvents<T>(
  { access, store, jobId, start, claimant, select }: EventStreamOptions<T>,
  tail: EventTail,
  sharedItems: LRUCache<string, Added<T>>,
  signal: AbortSignal,
): AsyncGenerator<Added<T>> {
  await tail.waitForUpdate(0, signal); // The first poll.
  const reader = createLogReader(access, store, jobId, createReadContext(signal, claimant));
  const selectValue = select();
  await reader.moveTo(start).catch(async (error) => {
    if (!(error instanceof UnknownCursor) || start.kind !== 'since' || tail.isClosed) throw error;
    await tail.pollNow(signal, claimant.account); // The event may have been added since the last poll.
    if (!signal.aborted && !(await reader.moveToNewer(start.id))) throw error;
  });
  while (!signal.aborted) {
    const { version, isClosed } = tail;
    const entries = await reader.next(isClosed);
    for (const entry of entries) {
      const added = addedOf(entry, tail.job, selectValue);
      if (added === null) continue;
      const key = keyOf(entry.item) ?? '';
      const item = sharedItems.get(key) ?? added;
      sharedItems.set(key, item);
      yield item;
    }
    if (entries.length > 0) continue;
    if (isClosed) return;
    await tail.waitForUpdate(version, signal);
  }
}

function addedOf<T>(entry: LogEntry, job: Job | undefined, select: EventSelector<T>): Added<T> | null {
  const { value: event, error } = entry.item;
  if (error) return { error };
  const value = select(event, entry);
  return value === null || !job ? null : { job, value };
}

// All readers of a log get the same array, until the log changes.
const firstReportsByItems = new WeakMap<LogSegment['items'], ReadonlyMap<number, LogItem>>();

/** Returns the item that reports each step first: the one that arrived first and, of one response, the oldest one. */
function firstReports(items: LogSegment['items']): ReadonlyMap<number, LogItem> {
  const cached = firstReportsByItems.get(items);
  if (cached) return cached;
  const reports = new Map<number, LogItem>();
  for (const item of items) {
    const step = item.value && stepReportOf(item.value)?.step;
    if (step === undefined) continue;
    const first = reports.get(step);
    if (first === undefined || item.arrival <= first.arrival) reports.set(step, item);
  }
  firstReportsByItems.set(items, reports);
  return reports;
}
