import type { JobEvent } from '../../upstream/resources/event.ts';
import { isClosing } from '../../upstream/resources/event.ts';
import type { Page } from '../../upstream/resources/page.ts';
import type { Sight } from '../cache/freshness.ts';
import { weigh } from '../cache/size-estimate.ts';
import { extended, joined, type Run, runOf } from './log-segment.ts';

/** What is known of a job's log, by one look at its head and all that was read behind it. */
export interface EventLog {
  /** From the newest event on. */
  readonly head: Run;
  /** An earlier head that the present one has not been read back to yet. */
  readonly older: Run | null;
  readonly beganAt: number;
  readonly arrivedAt: number;
  /** When the event was read after which nothing comes; null before. */
  readonly closedAt: number | null;
  /** Bytes that it takes in memory. */
  readonly weight: number;
}

/**
 * The log after a page of it was read, at its head or behind the event `after`. What weighs more than `maxBytes` loses its
 * oldest events.
 */
export function withPage(
  log: EventLog | undefined,
  after: string | null,
  seen: Sight<Page<JobEvent>>,
  maxBytes: number,
): EventLog | undefined {
  const next = after === null ? withHead(log, seen) : log && withDepth(log, after, seen.value);
  return next && bounded(next, maxBytes);
}

/** When a page with the event arrived after which nothing comes; null when it has none. */
export function closedAtIn({ value: page, arrivedAt }: Sight<Page<JobEvent>>): number | null {
  return page.items.some(({ value }) => value && isClosing(value)) ? arrivedAt : null;
}

function withHead(log: EventLog | undefined, seen: Sight<Page<JobEvent>>): EventLog {
  const run = runOf(seen.value);
  // An answer to an older question tells nothing about the head, and yet may reach further back.
  const { beganAt, arrivedAt } = log && log.beganAt > seen.beganAt ? log : seen;
  const times = { beganAt, arrivedAt, closedAt: log?.closedAt ?? closedAtIn(seen) };
  if (log === undefined) return weighed({ head: run, older: null, ...times });
  const head = joined(run, log.head);
  if (head !== null) return closedUp({ ...log, ...times, ...reweighed(log, log.head, head), head });
  return beganAt > seen.beganAt ? log : weighed({ head: run, older: run.isWhole ? null : longest(log), ...times });
}

// Behind a gap there is room for one run: the one that would take the most reading.
function longest({ head, older }: EventLog): Run {
  return older && older.items.length > head.items.length ? older : head;
}

function withDepth(log: EventLog, after: string, page: Page<JobEvent>): EventLog {
  const head = extended(log.head, after, page);
  if (head !== null) return closedUp({ ...log, ...reweighed(log, log.head, head), head });
  const older = log.older && extended(log.older, after, page);
  return older ? closedUp({ ...log, ...reweighed(log, log.older, older), older }) : log;
}

// A log is long and its pages are short: only what has come and what has gone is weighed. A server can give an event
// again with another body.
function reweighed({ weight }: EventLog, before: Run | null, after: Run): { weight: number } {
  if (before?.items === after.items) return { weight };
  const [had, has] = [new Set(before?.items), new Set(after.items)];
  const [come, gone] = [has.difference(had), had.difference(has)];
  return { weight: weight + weigh([...come]) - weigh([...gone]) };
}

function closedUp(log: EventLog): EventLog {
  if (log.older === null) return log;
  if (log.head.isWhole) return weighed({ ...log, older: null });
  const whole = joined(log.head, log.older);
  return whole ? weighed({ ...log, head: whole, older: null }) : log;
}

function weighed(log: Omit<EventLog, 'weight'>): EventLog {
  return { ...log, weight: weigh(log.head.items) + (log.older ? weigh(log.older.items) : 0) };
}

function bounded(log: EventLog, maxBytes: number): EventLog {
  const { head, older, weight } = log;
  if (weight <= maxBytes) return log;
  if (older) return bounded(weighed({ ...log, older: null }), maxBytes);
  const kept = Math.max(1, Math.floor((head.items.length * maxBytes) / weight / 2));
  if (kept >= head.items.length) return log;
  return bounded(weighed({ ...log, head: { items: head.items.slice(0, kept), isWhole: false } }), maxBytes);
}
