import type { Access } from '../../store/cache/scope.ts';
import type { ReadContext } from '../../store/cache/single-flight.ts';
import type { LogSegment } from '../../store/resources/log-segment.ts';
import type { Store } from '../../store/store.ts';
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

/** Reads one job's log forwards. A cursor is the id of the last event read; null is before the first event. */
export interface LogReader {
  /** Returns the cursor of a start. Throws UnknownCursor, or UpstreamError. */
  cursorOf(start: EventStart): Promise<string | null>;
  /** Returns the next events, oldest first; none when the cursor is at the end. Throws UnknownCursor, or UpstreamError. */
  readAfter(cursor: string | null): Promise<JobEvent[]>;
}

/** Reads from the cached log where possible, otherwise upstream. */
export function createLogReader(access: Access, store: Store, jobId: string, readContext: ReadContext): LogReader {
  // The log from its newest event back to the cursor. Dropped once the cached log contains the cursor.
  let catchUp: LogSegment | null = null;
  const cachedHead = (): LogSegment => store.events.lastLog(access, jobId)?.head ?? EMPTY;

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

  return {
    async cursorOf(start) {
      switch (start.kind) {
        case 'now':
          return cachedHead().items.find(({ id }) => id !== null)?.id ?? null;
        case 'start':
          catchUp = await readBack(({ isComplete }) => isComplete, start);
          return null;
        case 'since':
          catchUp = await readBack((segment) => contains(segment, start.id), start);
          if (!contains(catchUp, start.id)) throw new UnknownCursor(start);
          return start.id;
        case 'sinceStep': {
          const isUpToStep = ({ value }: LogSegment['items'][number]) =>
            value !== undefined && isStepUpTo(value, start.step);
          catchUp = await readBack(({ items }) => items.some(isUpToStep), start);
          return catchUp.items.find(isUpToStep)?.id ?? null;
        }
      }
    },
    async readAfter(cursor) {
      if (contains(cachedHead(), cursor)) {
        catchUp = null;
        return eventsAfter(cachedHead(), cursor);
      }
      const events = catchUp && contains(catchUp, cursor) ? eventsAfter(catchUp, cursor) : [];
      if (events.length > 0) return events;
      const start: EventStart = cursor === null ? { kind: 'start' } : { kind: 'since', id: cursor };
      catchUp = await readBack((segment) => contains(segment, cursor), start);
      if (!contains(catchUp, cursor)) throw new UnknownCursor(start);
      return eventsAfter(catchUp, cursor);
    },
  };
}

const EMPTY: LogSegment = { items: [], isComplete: false };

const contains = ({ items, isComplete }: LogSegment, cursor: string | null) =>
  cursor === null ? isComplete : items.some(({ id }) => id === cursor);

// Skips invalid items: without an id they cannot be a cursor.
function eventsAfter({ items }: LogSegment, cursor: string | null): JobEvent[] {
  const index = cursor === null ? items.length : items.findIndex(({ id }) => id === cursor);
  return items
    .slice(0, index)
    .flatMap(({ value }) => value ?? [])
    .slice(-EVENTS_PER_BATCH)
    .reverse();
}

function isStepUpTo(event: JobEvent, last: number): boolean {
  const report = stepReportOf(event);
  return report !== null && report.step <= last;
}
