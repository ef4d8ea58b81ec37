import type { Access } from '../../store/cache/scope.ts';
import type { ReadContext } from '../../store/cache/single-flight.ts';
import type { EventLog } from '../../store/resources/event-log.ts';
import { keyOf, type LogItem } from '../../store/resources/log-item.ts';
import type { LogSegment } from '../../store/resources/log-segment.ts';
import type { Store } from '../../store/store.ts';
import { UpstreamError } from '../../upstream/errors/upstream-error.ts';
import { stepReportOf } from '../../upstream/metrics/event-metrics.ts';
import type { JobEvent } from '../../upstream/resources/event.ts';

/** Where a reader starts: after an event, after a step, at the first event, or after the newest event. */
export type EventStart =
  | { readonly kind: 'since'; readonly id: string }
  | { readonly kind: 'sinceStep'; readonly step: number }
  | { readonly kind: 'start' }
  | { readonly kind: 'now' };

/** Thrown when a job's log does not contain the start of a reader within MAX_PAGES_BACK pages. */
export class UnknownCursor extends Error {
  override readonly name = 'UnknownCursor';
  readonly start: EventStart;

  constructor(start: EventStart) {
    super(`The event log does not contain the start: ${JSON.stringify(start)}.`);
    this.start = start;
  }
}

/** Maximum pages that a reader reads back: 50,000 events. */
export const MAX_PAGES_BACK = 500;

/** Maximum events that a reader holds at a time while it catches up with a cached log. */
const EVENTS_PER_BATCH = 100;

/** Maximum reads of the log for one start, when events are inserted while it is read. */
const MAX_SNAPSHOTS = 3;

/** One item for a reader: an event, or the error of an item that cannot be read. */
export interface LogEntry {
  readonly item: LogItem;
  /** The log, when the event was inserted behind the reader's position; otherwise null. */
  readonly insertedInto: LogSegment['items'] | null;
}

/**
 * Reads one job's log forwards. Each item comes once: in the order of the log, or when the server inserts it behind the
 * reader's position, with the next batch.
 */
export interface LogReader {
  /** Sets the position. Throws UnknownCursor, or UpstreamError. */
  moveTo(start: EventStart): Promise<void>;
  /**
   * Returns the next items and moves behind them: inserted ones first, then newer ones, both oldest first. Empty at the end
   * of the log, and before a gap that the next poll closes. Throws UpstreamError.
   */
  next(isClosed: boolean): Promise<readonly LogEntry[]>;
}

/** Reads from the cached log where possible, otherwise upstream. */
export function createLogReader(access: Access, store: Store, jobId: string, readContext: ReadContext): LogReader {
  /** Key of the last item read; null before the first item. */
  let position: string | null = null;
  /** Items behind the position that arrived later are new to the reader. */
  let seenArrival = 0;
  // Read from the newest event back to the position, further than the cached log. Dropped once the latter has the position.
  let catchUp: LogSegment | null = null;
  const cachedLog = () => store.events.lastLog(access, jobId);
  const cachedHead = (): LogSegment => cachedLog()?.head ?? EMPTY;

  /** Reads the log from its newest event back until `isDone`, or to its first event. */
  async function readBack(isDone: (segment: LogSegment) => boolean, start: EventStart): Promise<LogSegment> {
    let segment = cachedHead();
    for (let pages = 0; !isDone(segment) && !segment.isComplete; pages++) {
      const next = await store.events.readOlder(access, jobId, segment, readContext);
      const hasNoProgress = next.items.length === segment.items.length && !next.isComplete;
      if (hasNoProgress || pages >= MAX_PAGES_BACK) throw new UnknownCursor(start);
      segment = next;
    }
    return segment;
  }

  /** Reads back, and again if an event was inserted meanwhile: nothing that arrived before `seenArrival` is missing. */
  async function takeSnapshot(isDone: (segment: LogSegment) => boolean, start: EventStart): Promise<LogSegment> {
    for (let count = 1; ; count++) {
      const arrival = cachedLog()?.arrival ?? 0;
      const segment = await readBack(isDone, start);
      if (count < MAX_SNAPSHOTS && (cachedLog()?.lastInsertion ?? 0) > arrival) continue;
      seenArrival = arrival;
      return segment;
    }
  }

  /** Moves to an item of the cached log: what was inserted behind it after its arrival is new to the reader. */
  function moveToItem(item: LogItem | undefined): void {
    position = item ? keyOf(item) : null;
    if (item && contains(cachedHead(), position)) seenArrival = item.arrival;
  }

  function take(newer: readonly LogItem[], inserted: readonly LogItem[] = [], items: LogSegment['items'] = []) {
    position = lastKeyOf(newer) ?? position;
    return [
      ...inserted.map((item): LogEntry => ({ item, insertedInto: items })),
      ...newer.map((item): LogEntry => ({ item, insertedInto: null })),
    ];
  }

  /** Reads back to the position. Throws UPSTREAM_INVALID_RESPONSE when the log does not end and lacks it. */
  async function readFromPosition(): Promise<LogEntry[]> {
    const seen = seenArrival;
    const start: EventStart = position === null ? { kind: 'start' } : { kind: 'since', id: position };
    catchUp = await takeSnapshot((segment) => contains(segment, position), start).catch((error) => {
      throw error instanceof UnknownCursor ? lostPosition() : error;
    });
    if (!contains(catchUp, position)) {
      // The server has changed the event, whose id was derived from its content. The other known events are gone too.
      const items = catchUp.items.filter(({ arrival }) => arrival > seen);
      position = items.length > 0 ? null : lastKeyOf(catchUp.items.slice(0, 1));
      catchUp = { items, isComplete: true };
    }
    return take(newerThan(catchUp.items, position));
  }

  return {
    async moveTo(start) {
      switch (start.kind) {
        case 'now':
          moveToItem(cachedHead().items[0]);
          seenArrival = cachedLog()?.arrival ?? 0;
          return;
        case 'start':
          catchUp = await takeSnapshot(({ isComplete }) => isComplete, start);
          position = null;
          return;
        case 'since':
          catchUp = await takeSnapshot((segment) => contains(segment, start.id), start);
          if (!contains(catchUp, start.id)) throw new UnknownCursor(start);
          return moveToItem(catchUp.items.find(({ id }) => id === start.id));
        case 'sinceStep': {
          const isUpToStep = ({ value }: LogItem) => value !== undefined && isStepUpTo(value, start.step);
          catchUp = await takeSnapshot(({ items }) => items.some(isUpToStep), start);
          return moveToItem(catchUp.items.find(isUpToStep));
        }
      }
    },
    async next(isClosed) {
      const log = cachedLog();
      if (log && !isClosed && isBesideGap(log, position)) return [];
      if (log && contains(log.head, position)) {
        catchUp = null;
        const { items } = log.head;
        const inserted = log.lastInsertion > seenArrival ? arrivedAfter(items, position, seenArrival) : [];
        seenArrival = log.arrival;
        return take(newerThan(items, position), inserted, items);
      }
      const entries = catchUp && contains(catchUp, position) ? take(newerThan(catchUp.items, position)) : [];
      if (entries.length > 0) return entries;
      return readFromPosition();
    },
  };
}

const lostPosition = () =>
  new UpstreamError('UPSTREAM_INVALID_RESPONSE', 'data: lacks an event that it had; expected a log that only grows');

const EMPTY: LogSegment = { items: [], isComplete: false };

// More inserted events can be in the gap, and the next poll closes it.
const isBesideGap = ({ head, older }: EventLog, position: string | null) =>
  older !== null && (contains(head, position) || contains(older, position));

const contains = ({ items, isComplete }: LogSegment, position: string | null) =>
  position === null ? isComplete : items.some((item) => keyOf(item) === position);

const indexOf = (items: LogSegment['items'], position: string | null) =>
  position === null ? items.length : items.findIndex((item) => keyOf(item) === position);

/** Returns the next items after a position, oldest first. */
function newerThan(items: LogSegment['items'], position: string | null): LogItem[] {
  return items.slice(0, indexOf(items, position)).slice(-EVENTS_PER_BATCH).reverse();
}

/** Returns the items behind a position that arrived later than `arrival`, oldest first. */
function arrivedAfter(items: LogSegment['items'], position: string | null, arrival: number): LogItem[] {
  return items
    .slice(indexOf(items, position) + 1)
    .filter((item) => item.arrival > arrival)
    .reverse();
}

const lastKeyOf = (items: readonly LogItem[]): string | null => {
  const last = items.at(-1);
  return last ? keyOf(last) : null;
};

function isStepUpTo(event: JobEvent, last: number): boolean {
  const report = stepReportOf(event);
  return report !== null && report.step <= last;
}
