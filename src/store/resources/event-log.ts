import type { JobEvent } from '../../upstream/resources/event.ts';
import { isFinalEvent } from '../../upstream/resources/event.ts';
import type { Page } from '../../upstream/resources/page.ts';
import type { Observation } from '../cache/freshness.ts';
import { estimateBytes } from '../cache/size-estimate.ts';
import { appendPage, type LogSegment, mergeSegments, segmentOf } from './log-segment.ts';

/** What is known of a job's log, by one look at its head and all that was read behind it. */
export interface EventLog {
  /** From the newest event on. */
  readonly head: LogSegment;
  /** An earlier head that the present one has not been read back to yet. */
  readonly older: LogSegment | null;
  readonly requestedAt: number;
  readonly receivedAt: number;
  /** When the event was read after which nothing comes; null before. */
  readonly closedAt: number | null;
  /** Bytes that it takes in memory. */
  readonly bytes: number;
}

/**
 * The log after a page of it was read, at its head or behind the event `after`. What weighs more than `maxBytes` loses its
 * oldest events.
 */
export function mergePage(
  log: EventLog | undefined,
  after: string | null,
  observation: Observation<Page<JobEvent>>,
  maxBytes: number,
): EventLog | undefined {
  const next = after === null ? mergeHead(log, observation) : log && mergeOlder(log, after, observation.value);
  return next && bounded(next, maxBytes);
}

/** When a page with the event arrived after which nothing comes; null when it has none. */
export function closedAtIn({ value: page, receivedAt }: Observation<Page<JobEvent>>): number | null {
  return page.items.some(({ value }) => value && isFinalEvent(value)) ? receivedAt : null;
}

function mergeHead(log: EventLog | undefined, observation: Observation<Page<JobEvent>>): EventLog {
  const run = segmentOf(observation.value);
  // An answer to an older question tells nothing about the head, and yet may reach further back.
  const { requestedAt, receivedAt } = log && log.requestedAt > observation.requestedAt ? log : observation;
  const times = { requestedAt, receivedAt, closedAt: log?.closedAt ?? closedAtIn(observation) };
  if (log === undefined) return sized({ head: run, older: null, ...times });
  const head = mergeSegments(run, log.head);
  if (head !== null) return closedUp({ ...log, ...times, ...resized(log, log.head, head), head });
  return requestedAt > observation.requestedAt
    ? log
    : sized({ head: run, older: run.isComplete ? null : longest(log), ...times });
}

// Behind a gap there is room for one run: the one that would take the most reading.
function longest({ head, older }: EventLog): LogSegment {
  return older && older.items.length > head.items.length ? older : head;
}

function mergeOlder(log: EventLog, after: string, page: Page<JobEvent>): EventLog {
  const head = appendPage(log.head, after, page);
  if (head !== null) return closedUp({ ...log, ...resized(log, log.head, head), head });
  const older = log.older && appendPage(log.older, after, page);
  return older ? closedUp({ ...log, ...resized(log, log.older, older), older }) : log;
}

// A log is long and its pages are short: only what has come and what has gone is sized. A server can give an event
// again with another body.
function resized({ bytes }: EventLog, before: LogSegment | null, after: LogSegment): { bytes: number } {
  if (before?.items === after.items) return { bytes };
  const [had, has] = [new Set(before?.items), new Set(after.items)];
  const [come, gone] = [has.difference(had), had.difference(has)];
  return { bytes: bytes + estimateBytes([...come]) - estimateBytes([...gone]) };
}

function closedUp(log: EventLog): EventLog {
  if (log.older === null) return log;
  if (log.head.isComplete) return sized({ ...log, older: null });
  const whole = mergeSegments(log.head, log.older);
  return whole ? sized({ ...log, head: whole, older: null }) : log;
}

function sized(log: Omit<EventLog, 'bytes'>): EventLog {
  return { ...log, bytes: estimateBytes(log.head.items) + (log.older ? estimateBytes(log.older.items) : 0) };
}

function bounded(log: EventLog, maxBytes: number): EventLog {
  const { head, older, bytes } = log;
  if (bytes <= maxBytes) return log;
  if (older) return bounded(sized({ ...log, older: null }), maxBytes);
  const kept = Math.max(1, Math.floor((head.items.length * maxBytes) / bytes / 2));
  if (kept >= head.items.length) return log;
  return bounded(sized({ ...log, head: { items: head.items.slice(0, kept), isComplete: false } }), maxBytes);
}
