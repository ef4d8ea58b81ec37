import type { ReadContext } from '../../store/cache/read-context.ts';
import type { Access } from '../../store/cache/scope.ts';
import type { EventLog } from '../../store/resources/event-log.ts';
import { keyOf, type LogItem } from '../../store/resources/log-item.ts';
import type { LogSegment } from '../../store/resources/log-segment.ts';
import type { Store } from '../../store/store.ts';
import { UpstreamError } from '../../upstream/errors/upstream-error.ts';
import { stepReportOf } from '../../upstream/metrics/event-metrics.ts';
import type { JobEvent } from '../../upstream/resources/event.ts';
import { createPosition, type Position } from './log-position.ts';

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

/** Maximum pages that a reader reads back for one start: 50,000 events. */
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
  /** Sets the position to an event that was added after `moveTo` had failed. Returns whether there is one. */
  moveToNewer(id: string): Promise<boolean>;
  /**
   * Returns the next items and moves behind them: inserted ones first, then newer ones, both oldest first. Empty at the end
   * of the log, and before a gap that the next poll closes. Throws UpstreamError.
   */
  next(isClosed: boolean): Promise<readonly LogEntry[]>;
}

/** Whether an item is the one that is searched for. */
type Matches = (item: LogItem) => boolean;

/** A part of the log from its newest event on, and the index of the item that was searched for; -1 without one. */
interface Found {
  readonly segment: LogSegment;
  readonly index: number;
}

/** Reads from the cached log where possible, otherwise upstream. */
export function createLogReader(access: Access, store: Store, jobId: string, readContext: ReadContext): LogReader {
  const position = createPosition();
  /** Key of the newest event when the log was searched for the start. */
  let searchedFrom: string | null = null;
  /** Items behind the position that arrived later are new to the reader. */
  let seenArrival = 0;
  // Read from the newest event back to the position, further than the cached log. Dropped once the latter has the position.
  let catchUp: LogSegment | null = null;
  const cachedLog = () => store.events.lastLog(access, jobId);
  const cachedHead = (): LogSegment => cachedLog()?.head ?? EMPTY;

  /** Reads the log from its newest event back until an item matches, or to its first event. Looks at each item once. */
  async function readBack(matches: Matches, start: EventStart, countPage: () => void): Promise<Found> {
    let segment = cachedHead();
    let index = segment.items.findIndex(matches);
    while (index < 0 && !segment.isComplete) {
      countPage();
      const next = await store.events.readOlder(access, jobId, segment, readContext);
      if (next.items.length === segment.items.length && !next.isComplete) throw new UnknownCursor(start);
      const from = segment.items.findLastIndex(({ id }) => id !== null) + 1; // The items behind it are read again.
      const offset = next.items.slice(from).findIndex(matches);
      index = offset < 0 ? -1 : from + offset;
      segment = next;
    }
    return { segment, index };
  }

  /** Reads back, and again if an event was inserted meanwhile: nothing that arrived before `seenArrival` is missing. */
  async function takeSnapshot(matches: Matches, start: EventStart): Promise<Found> {
    let pages = 0;
    const countPage = () => {
      if (++pages > MAX_PAGES_BACK) throw new UnknownCursor(start);
    };
    for (let count = 1; ; count++) {
      const arrival = cachedLog()?.arrival ?? 0;
      const found = await readBack(matches, start, countPage);
      if (count < MAX_SNAPSHOTS && (cachedLog()?.lastInsertion ?? 0) > arrival) continue;
      seenArrival = arrival;
      return found;
    }
  }

  /** Moves to an item of a snapshot: what was inserted behind it after its arrival is new to the reader. */
  function moveToItem({ segment, index }: Found): void {
    catchUp = segment;
    const item = segment.items[index];
    position.moveTo(item ? keyOf(item) : null);
    if (item && position.indexIn(cachedHead()) >= 0) seenArrival = item.arrival;
  }

  /** Takes the next items after the position, which has this index: `inserted` ones first, then newer ones. */
  function takeFrom({ items }: LogSegment, index: number, inserted: readonly LogItem[] = []): LogEntry[] {
    const newer = items.slice(Math.max(0, index - EVENTS_PER_BATCH), index).reverse();
    position.advance(items, index, newer);
    return [
      ...inserted.map((item): LogEntry => ({ item, insertedInto: items })),
      ...newer.map((item): LogEntry => ({ item, insertedInto: null })),
    ];
  }

  /** Reads back to the position. Throws UPSTREAM_INVALID_RESPONSE when the log does not end and lacks it. */
  async function readFromPosition(): Promise<LogEntry[]> {
    const seen = seenArrival;
    const { key } = position;
    const start: EventStart = key === null ? { kind: 'start' } : { kind: 'since', id: key };
    const matches: Matches = key === null ? () => false : (item) => keyOf(item) === key;
    const { segment } = await takeSnapshot(matches, start).catch((error) => {
      throw error instanceof UnknownCursor ? lostPosition() : error;
    });
    catchUp = segment;
    if (position.indexIn(segment) < 0) {
      // The server has changed the event, whose id was derived from its content. The other known events are gone too.
      const items = segment.items.filter(({ arrival }) => arrival > seen);
      const newest = segment.items[0];
      position.moveTo(items.length > 0 || !newest ? null : keyOf(newest));
      catchUp = { items, isComplete: true };
    }
    return takeFrom(catchUp, Math.max(0, position.indexIn(catchUp)));
  }

  /** Whether the log surely lacks an event. Asks the server before the log is read back for it. */
  async function isUnknown(id: string): Promise<boolean> {
    const head = cachedHead();
    const isCached = head.items.some((item) => item.id === id);
    return !isCached && (head.isComplete || (await store.events.isUnknown(access, jobId, id, readContext)));
  }

  return {
    async moveTo(start) {
      switch (start.kind) {
        case 'now': {
          const segment = cachedHead();
          moveToItem({ segment, index: 0 });
          catchUp = null;
          seenArrival = cachedLog()?.arrival ?? 0;
          return;
        }
        case 'start': {
          const { segment } = await takeSnapshot(() => false, start);
          return moveToItem({ segment, index: -1 });
        }
        case 'since': {
          searchedFrom = newestKeyOf(cachedHead());
          if (await isUnknown(start.id)) throw new UnknownCursor(start);
          const found = await takeSnapshot(({ id }) => id === start.id, start);
          if (found.index < 0) throw new UnknownCursor(start);
          return moveToItem(found);
        }
        case 'sinceStep': {
          const isUpToStep = ({ value }: LogItem) => value !== undefined && isStepUpTo(value, start.step);
          return moveToItem(await takeSnapshot(isUpToStep, start));
        }
      }
    },
    async moveToNewer(id) {
      const matches: Matches = (item) => item.id === id || (searchedFrom !== null && keyOf(item) === searchedFrom);
      const found = await takeSnapshot(matches, { kind: 'since', id });
      if (found.segment.items[found.index]?.id !== id) return false;
      moveToItem(found);
      return true;
    },
    async next(isClosed) {
      const log = cachedLog();
      if (log && !isClosed && isBesideGap(log, position)) return [];
      const index = log ? position.indexIn(log.head) : -1;
      if (log && index >= 0) {
        catchUp = null;
        const { items } = log.head;
        const inserted = log.lastInsertion > seenArrival ? arrivedAfter(items, index, seenArrival) : [];
        seenArrival = log.arrival;
        return takeFrom(log.head, index, inserted);
      }
      const caughtUp = catchUp ? position.indexIn(catchUp) : -1;
      const entries = catchUp && caughtUp >= 0 ? takeFrom(catchUp, caughtUp) : [];
      return entries.length > 0 ? entries : await readFromPosition();
    },
  };
}

const lostPosition = () =>
  new UpstreamError('UPSTREAM_INVALID_RESPONSE', 'data: lacks an event that it had; expected a log that only grows');

const EMPTY: LogSegment = { items: [], isComplete: false };

// More inserted events can be in the gap, and the next poll closes it.
const isBesideGap = ({ head, older }: EventLog, position: Position) =>
  older !== null && (position.indexIn(head) >= 0 || position.indexIn(older) >= 0);

/** Returns the items behind an index that arrived later than `arrival`, oldest first. */
function arrivedAfter(items: LogSegment['items'], index: number, arrival: number): LogItem[] {
  return items
    .slice(index + 1)
    .filter((item) => item.arrival > arrival)
    .reverse();
}

/** Returns the key of the newest item that has one. */
function newestKeyOf({ items }: LogSegment): string | null {
  const newest = items.find((item) => keyOf(item) !== null);
  return newest ? keyOf(newest) : null;
}

function isStepUpTo(event: JobEvent, last: number): boolean {
  const report = stepReportOf(event);
  return report !== null && report.step <= last;
}
