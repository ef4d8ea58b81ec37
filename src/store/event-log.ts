import type { JobEvent } from '../upstream/event.ts';
import { isClosing } from '../upstream/event.ts';
import type { Page } from '../upstream/page.ts';
import type { Sight } from './freshness.ts';
import { extended, joined, type Run, runOf } from './run.ts';
import { weigh } from './weight.ts';

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

/** Most bytes of one log: the oldest events go first. */
const MAX_LOG_BYTES = 8 * 1024 * 1024;

/** The log after a page of it was read, at its head or behind the event `after`. */
export function withPage(
  log: EventLog | undefined,
  after: string | null,
  seen: Sight<Page<JobEvent>>,
): EventLog | undefined {
  return after === null ? withHead(log, seen) : log && withDepth(log, after, seen.value);
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
  if (log === undefined) return bounded({ head: run, older: null, ...times });
  const head = joined(run, log.head);
  if (head !== null) {
    const hasGrown = head.items.length > log.head.items.length || head.isWhole !== log.head.isWhole;
    return hasGrown ? closedUp({ head, older: log.older, ...times }) : { ...log, ...times };
  }
  return beganAt > seen.beganAt ? log : bounded({ head: run, older: run.isWhole ? null : log.head, ...times });
}

function withDepth(log: EventLog, after: string, page: Page<JobEvent>): EventLog {
  const head = extended(log.head, after, page);
  if (head !== null) return closedUp({ ...log, head });
  const older = log.older && extended(log.older, after, page);
  return older ? closedUp({ ...log, older }) : log;
}

type Weightless = Omit<EventLog, 'weight'>;

function closedUp(log: Weightless): EventLog {
  if (log.head.isWhole) return bounded({ ...log, older: null });
  const whole = log.older && joined(log.head, log.older);
  return bounded(whole ? { ...log, head: whole, older: null } : log);
}

function bounded(log: Weightless): EventLog {
  const { head, older } = log;
  const weight = weigh(head.items) + (older ? weigh(older.items) : 0);
  if (weight <= MAX_LOG_BYTES) return { ...log, weight };
  if (older) return bounded({ ...log, older: null });
  const kept = Math.max(1, Math.floor((head.items.length * MAX_LOG_BYTES) / weight / 2));
  if (kept >= head.items.length) return { ...log, weight };
  return bounded({ ...log, head: { items: head.items.slice(0, kept), isWhole: false } });
}
