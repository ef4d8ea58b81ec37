// The cached event log of one job: the segment at its head, and at most one older segment. Events are newest first, many
// have equal timestamps, and each id is stored once (see log-segment.ts). A read of the head merges with the known head if
// they share an event (see log-merge.ts). If not, more events arrived than one page holds: the new page becomes the head,
// the longest known segment becomes `older`, and between them is a gap. A gap also opens where a page ends among inserted
// events. Reading older events extends the head until it meets `older`; then the two become one segment. A log above its
// size limit loses `older` first, then its oldest events.
import { isFinalEvent } from '../../upstream/resources/event.ts';
import type { Observation } from '../cache/freshness.ts';
import { estimateBytes } from '../cache/size-estimate.ts';
import { INDEX_BYTES_PER_ITEM, keySetOf, knownKeysOf } from './log-index.ts';
import { keyOf, type LogItem, type LogPage } from './log-item.ts';
import { type MergedRun, mergeRun } from './log-merge.ts';
import type { LogSegment } from './log-segment.ts';

/** The known part of a job's log. Times are those of the newest read of its head, in milliseconds since the epoch. */
export interface EventLog {
  /** Starts with the newest event. */
  readonly head: LogSegment;
  /** An earlier head, separated from the present one by a gap; null when there is no gap. */
  readonly older: LogSegment | null;
  readonly requestedAt: number;
  readonly receivedAt: number;
  /** When the final event was received; null before. */
  readonly closedAt: number | null;
  /** Number of the last response that was merged. No item has a larger `arrival`. */
  readonly arrival: number;
  /** Number of the last response that inserted an event behind a known one; 0 before. */
  readonly lastInsertion: number;
  /** Size in memory, in bytes. */
  readonly bytes: number;
}

/** A page, with the number of its response. */
export type LogObservation = Observation<LogPage> & { readonly receivedSeq: number };

/**
 * Returns the log after a read of its head (`after` is null) or of events older than `after`; the same object when such a
 * page adds nothing. Removes the oldest events of a log larger than `maxBytes`. Returns undefined for older events of an
 * unknown log.
 */
export function mergePage(
  log: EventLog | undefined,
  after: string | null,
  observation: LogObservation,
  maxBytes: number,
): EventLog | undefined {
  const next = after === null ? mergeHead(log, observation) : log && mergeOlder(log, after, observation);
  return next && limitSize(next, maxBytes);
}

/** Returns when a page with the final event was received; null when the page lacks it. */
export function closedAtIn({ value: page, receivedAt }: Observation<LogPage>): number | null {
  return page.items.some(({ value }) => value && isFinalEvent(value)) ? receivedAt : null;
}

/** Returns the log without the events after its gap, which cannot be reached. */
export function withoutGap(log: EventLog): EventLog {
  return log.older === null ? log : withSize({ ...log, older: null });
}

function mergeHead(log: EventLog | undefined, observation: LogObservation): EventLog {
  const { value: page, receivedSeq } = observation;
  // The next page shows items without a key again, with what locates them.
  const segment = { items: page.items.filter((item) => keyOf(item) !== null), isComplete: !page.hasMore };
  // Race: a response to an older request says nothing about the head, but can contain older events.
  const isOutdated = log !== undefined && log.requestedAt > observation.requestedAt;
  const { requestedAt, receivedAt } = isOutdated ? log : observation;
  const times = { requestedAt, receivedAt, closedAt: log?.closedAt ?? closedAtIn(observation) };
  if (log === undefined)
    return withSize({ head: segment, older: null, ...times, arrival: receivedSeq, lastInsertion: 0 });
  const merged = mergeRun(log.head, segment, receivedSeq);
  if (merged !== null) {
    const next = withHead({ ...log, ...times }, merged, receivedSeq, isOutdated);
    return closeGap(next, merged.added, receivedSeq);
  }
  if (isOutdated) return log;
  const arrival = Math.max(log.arrival, receivedSeq);
  const older = segment.isComplete ? null : longestOf(log.head, log.older);
  return closeGap(withSize({ ...log, ...times, arrival, head: segment, older }), segment.items, receivedSeq);
}

// Only one segment is stored behind the gap: the longest one, as it takes the most reads to replace.
function longestOf(one: LogSegment, other: LogSegment | null): LogSegment {
  return other && other.items.length > one.items.length ? other : one;
}

function mergeOlder(log: EventLog, after: string, { value: page, receivedSeq }: LogObservation): EventLog {
  const head = mergeRunAfter(log.head, after, page, receivedSeq);
  if (head !== null) {
    if (isUnchanged(log.head, head)) return log;
    return closeGap(withHead(log, head, receivedSeq), head.added, receivedSeq);
  }
  const older = log.older && mergeRunAfter(log.older, after, page, receivedSeq);
  if (log.older === null || older === null || isUnchanged(log.older, older)) return log;
  const segment = older.rest ? longestOf(older.segment, older.rest) : older.segment;
  const next = withSize({ ...log, ...numbersAfter(log, older, receivedSeq), older: segment });
  return closeGap(next, older.added, receivedSeq);
}

/** Merges a page that was read with the cursor `after`; null when the segment lacks that event. */
function mergeRunAfter(segment: LogSegment, after: string, page: LogPage, receivedSeq: number): MergedRun | null {
  const cursor = segment.items.findLast(({ id }) => id === after);
  if (cursor === undefined) return null;
  const items = [cursor, ...page.items.filter(({ id }) => id !== after)];
  return mergeRun(segment, { items, isComplete: !page.hasMore }, receivedSeq);
}

const isUnchanged = (before: LogSegment, { segment }: MergedRun) =>
  before.items === segment.items && before.isComplete === segment.isComplete;

/** Returns the log with a merged head. An outdated response does not open a gap. */
function withHead(log: EventLog, merged: MergedRun, receivedSeq: number, isOutdated = false): EventLog {
  const { segment: head, rest } = merged;
  if (rest && isOutdated) return log;
  const numbers = numbersAfter(log, merged, receivedSeq);
  // `rest` and not the longest segment: the items that a reader has passed stay known.
  if (rest) return withSize({ ...log, ...numbers, head, older: rest });
  return { ...log, ...numbers, bytes: log.bytes + sizeOf(merged.added), head }; // A merge removes no item.
}

function numbersAfter(log: EventLog, { hasInsertions }: MergedRun, receivedSeq: number) {
  return {
    arrival: Math.max(log.arrival, receivedSeq),
    lastInsertion: hasInsertions ? Math.max(log.lastInsertion, receivedSeq) : log.lastInsertion,
  };
}

/** Joins the segments when one of the items that were added to one of them is in the other. */
function closeGap(log: EventLog, added: readonly LogItem[], receivedSeq: number): EventLog {
  if (log.older === null) return log;
  const keys = keySetOf(added);
  const isJoined = [log.head, log.older].every(({ items }) => knownKeysOf(items, keys).size > 0);
  const merged = isJoined ? mergeRun(log.older, log.head, receivedSeq) : null;
  if (merged === null) return log.head.isComplete ? withoutGap(log) : log;
  const numbers = numbersAfter(log, merged, receivedSeq);
  return withSize({ ...log, ...numbers, head: merged.segment, older: merged.rest });
}

function withSize(log: Omit<EventLog, 'bytes'>): EventLog {
  return { ...log, bytes: sizeOf(log.head.items) + (log.older ? sizeOf(log.older.items) : 0) };
}

const sizeOf = (items: readonly LogItem[]) => estimateBytes(items) + INDEX_BYTES_PER_ITEM * items.length;

function limitSize(log: EventLog, maxBytes: number): EventLog {
  const { head, older, bytes } = log;
  if (bytes <= maxBytes) return log;
  if (older) return limitSize(withSize({ ...log, older: null }), maxBytes);
  const count = Math.max(1, Math.floor((head.items.length * maxBytes) / bytes / 2));
  if (count >= head.items.length) return log;
  return limitSize(withSize({ ...log, head: { items: head.items.slice(0, count), isComplete: false } }), maxBytes);
}
