// The cached event log of one job: the segment at its head, and at most one older segment. Events are newest first, many
// have equal timestamps, and each id is stored once (see log-segment.ts). A read of the head merges with the known head if
// they share an event. If not, more events arrived than one page holds: the new page becomes the head, the longest known
// segment becomes `older`, and between them is a gap. Reading older events extends the head until it meets `older`; then
// the two become one segment. A log above its size limit loses `older` first, then its oldest events.
import { isFinalEvent, type JobEvent } from '../../upstream/resources/event.ts';
import type { Page } from '../../upstream/resources/page.ts';
import type { Observation } from '../cache/freshness.ts';
import { estimateBytes } from '../cache/size-estimate.ts';
import { appendPage, type LogSegment, mergeSegments, segmentOf } from './log-segment.ts';

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
  /** Size in memory, in bytes. */
  readonly bytes: number;
}

/**
 * Returns the log after a read of its head (`after` is null) or of events older than `after`. Removes the oldest events
 * of a log larger than `maxBytes`. Returns undefined for older events of an unknown log.
 */
export function mergePage(
  log: EventLog | undefined,
  after: string | null,
  observation: Observation<Page<JobEvent>>,
  maxBytes: number,
): EventLog | undefined {
  const next = after === null ? mergeHead(log, observation) : log && mergeOlder(log, after, observation.value);
  return next && limitSize(next, maxBytes);
}

/** Returns when a page with the final event was received; null when the page lacks it. */
export function closedAtIn({ value: page, receivedAt }: Observation<Page<JobEvent>>): number | null {
  return page.items.some(({ value }) => value && isFinalEvent(value)) ? receivedAt : null;
}

function mergeHead(log: EventLog | undefined, observation: Observation<Page<JobEvent>>): EventLog {
  const segment = segmentOf(observation.value);
  // Race: a response to an older request says nothing about the head, but can contain older events.
  const { requestedAt, receivedAt } = log && log.requestedAt > observation.requestedAt ? log : observation;
  const times = { requestedAt, receivedAt, closedAt: log?.closedAt ?? closedAtIn(observation) };
  if (log === undefined) return withSize({ head: segment, older: null, ...times });
  const head = mergeSegments(segment, log.head);
  if (head !== null) return closeGap({ ...log, ...times, bytes: resize(log.bytes, log.head, head), head });
  return requestedAt > observation.requestedAt
    ? log
    : withSize({ head: segment, older: segment.isComplete ? null : longestSegment(log), ...times });
}

// Only one segment is stored behind the gap: the longest one, as it takes the most reads to replace.
function longestSegment({ head, older }: EventLog): LogSegment {
  return older && older.items.length > head.items.length ? older : head;
}

function mergeOlder(log: EventLog, after: string, page: Page<JobEvent>): EventLog {
  const head = appendPage(log.head, after, page);
  if (head !== null) return closeGap({ ...log, bytes: resize(log.bytes, log.head, head), head });
  const older = log.older && appendPage(log.older, after, page);
  return older ? closeGap({ ...log, bytes: resize(log.bytes, log.older, older), older }) : log;
}

// Logs are long and pages are short: only the added and removed items are measured. A removed item is an event that the
// server has returned again with another body.
function resize(bytes: number, before: LogSegment | null, after: LogSegment): number {
  if (before?.items === after.items) return bytes;
  const [beforeItems, afterItems] = [new Set(before?.items), new Set(after.items)];
  const [added, removed] = [afterItems.difference(beforeItems), beforeItems.difference(afterItems)];
  return bytes + estimateBytes([...added]) - estimateBytes([...removed]);
}

function closeGap(log: EventLog): EventLog {
  if (log.older === null) return log;
  if (log.head.isComplete) return withSize({ ...log, older: null });
  const merged = mergeSegments(log.head, log.older);
  return merged ? withSize({ ...log, head: merged, older: null }) : log;
}

function withSize(log: Omit<EventLog, 'bytes'>): EventLog {
  return { ...log, bytes: estimateBytes(log.head.items) + (log.older ? estimateBytes(log.older.items) : 0) };
}

function limitSize(log: EventLog, maxBytes: number): EventLog {
  const { head, older, bytes } = log;
  if (bytes <= maxBytes) return log;
  if (older) return limitSize(withSize({ ...log, older: null }), maxBytes);
  const count = Math.max(1, Math.floor((head.items.length * maxBytes) / bytes / 2));
  if (count >= head.items.length) return log;
  return limitSize(withSize({ ...log, head: { items: head.items.slice(0, count), isComplete: false } }), maxBytes);
}
