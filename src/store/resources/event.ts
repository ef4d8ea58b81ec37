import { isOutage } from '../../upstream/errors/upstream-error.ts';
import type { Priority } from '../../upstream/resilience/call-rate-limiter.ts';
import type { JobEvent } from '../../upstream/resources/event.ts';
import type { Page, PageRequest } from '../../upstream/resources/page.ts';
import { aboutJobFreshUntil, activeFreshUntil, type Sight, settledFreshUntil } from '../cache/freshness.ts';
import { createHoldingShelf } from '../cache/pinning-cache.ts';
import { takeSight } from '../cache/read-through.ts';
import type { Access } from '../cache/scope.ts';
import { type Caller, createFlights, type Departure, restOn } from '../cache/single-flight.ts';
import type { PartOptions } from '../cache/store-options.ts';
import { closedAtIn, type EventLog, withPage } from './event-log.ts';
import type { JobStore } from './job.ts';
import { behind, extended, pageOf, type Run, reaches, runOf, tailOf } from './log-segment.ts';

/** A job's log, read no further back than somebody has asked. All methods throw UpstreamError, or the reason of the caller's signal. */
export interface EventStore {
  /** The newest events: at least so many, or all there are. */
  head(access: Access, jobId: string, atLeast: number, caller: Caller): Promise<Run>;
  /** A run with what is known behind it, or else with one page more. Of a whole run, itself. */
  deeper(access: Access, jobId: string, run: Run, caller: Caller): Promise<Run>;
  /** One page, newest first. */
  page(access: Access, jobId: string, request: PageRequest, caller: Caller): Promise<Page<JobEvent>>;
  /**
   * Reads the newest events anew, joins no read that is under way, and reads back to what was known before. While the log
   * is held, nothing that has come since then is missing.
   */
  look(access: Access, jobId: string, caller: Caller): Promise<EventLog>;
  /** What is known of the log, however old; undefined when nothing is kept. */
  lastLog(access: Access, jobId: string): EventLog | undefined;
  /** Keeps the log until what it returns is called, however full the room is. */
  hold(access: Access, jobId: string): () => void;
}

/** For what is asked, and what began earlier is not joined. */
interface Asking {
  readonly priority: Priority;
  readonly notBefore?: number | undefined;
}

const NOTHING_OLDER: Asking = { priority: 'poll', notBefore: Number.POSITIVE_INFINITY };

/** Of all that is kept, the most that one log may take: some 40,000 steps by default. */
const LOG_SHARE = 0.25;

/** Events in one upstream page when the whole log is wanted. */
export const EVENTS_PER_PAGE = 100;

export function createEventStore(options: PartOptions, jobs: JobStore): EventStore {
  const { upstream, clock, limits, shelf, maxBytes } = options;
  const logs = createHoldingShelf(shelf<EventLog>('events'));
  const flights = createFlights<Sight<Page<JobEvent>>>(clock);
  const keyOf = ({ scope }: Access, jobId: string) => `${scope} ${jobId}`;

  function headFreshUntil(access: Access, jobId: string, sight: Omit<EventLog, 'head' | 'older' | 'weight'>): number {
    if (sight.beganAt <= jobs.changed(access, jobId).at) return Number.NEGATIVE_INFINITY; // It may lack what that brought.
    if (sight.closedAt !== null) return settledFreshUntil(sight.arrivedAt, limits);
    return aboutJobFreshUntil(sight, jobs.end(access, jobId), limits);
  }

  const isSettled = (access: Access, jobId: string, { closedAt, beganAt }: EventLog) =>
    closedAt !== null || beganAt >= jobs.end(access, jobId).quietAt;

  /** Reads a page, shared with all who ask for it at the same time, and adds it to the log. */
  async function fetch(
    access: Access,
    jobId: string,
    request: PageRequest,
    caller: Caller,
    { priority, notBefore }: Asking = {
      priority: 'query',
      notBefore: request.after === null ? jobs.end(access, jobId).endedAt : undefined,
    },
  ) {
    const read = async (departure: Departure) => {
      const call = { credential: access.credential, ...departure };
      const seen = await takeSight(clock, () => upstream.events.list(jobId, request, { ...call, priority }));
      const key = keyOf(access, jobId);
      const before = logs.get(key);
      const log = withPage(before, request.after, seen, maxBytes * LOG_SHARE);
      if (log && log !== before) logs.set(key, log, log.weight);
      return seen;
    };
    const { limit, after } = request;
    const name = `${keyOf(access, jobId)} ${JSON.stringify([jobs.changed(access, jobId).turn, limit, after])}`;
    return await flights.join(name, caller, read, notBefore);
  }

  /** The log, if its head goes back so far. */
  function logReaching(access: Access, jobId: string, atLeast: number): EventLog | undefined {
    const log = logs.get(keyOf(access, jobId));
    return log && reaches(log.head, atLeast) ? log : undefined;
  }

  async function head(access: Access, jobId: string, atLeast: number, caller: Caller): Promise<Run> {
    const known = logReaching(access, jobId, atLeast);
    const isFresh = known !== undefined && clock.now() < headFreshUntil(access, jobId, known);
    const newest = isFresh
      ? known
      : await readHead(access, jobId, atLeast, caller).catch((error) => {
          if (known !== undefined && isSettled(access, jobId, known) && isOutage(error)) return known;
          throw error;
        });
    restOn(caller, headFreshUntil(access, jobId, newest));
    return newest.head;
  }

  // The log has what was read, and what answers to later questions have brought meanwhile; where none is kept, or what
  // came meanwhile has left a gap, what was read stands for itself.
  async function readHead(access: Access, jobId: string, atLeast: number, caller: Caller) {
    const seen = await fetch(access, jobId, { limit: atLeast, after: null }, caller);
    const { value: page, ...times } = seen;
    return logReaching(access, jobId, atLeast) ?? { head: runOf(page), ...times, closedAt: closedAtIn(seen) };
  }

  async function deeper(access: Access, jobId: string, run: Run, caller: Caller): Promise<Run> {
    const after = tailOf(run);
    if (run.isWhole || after === null) return run;
    const log = logs.get(keyOf(access, jobId));
    const known = log && behind(log.head, after);
    if (known && reaches(known, 1)) return { items: run.items.concat(known.items), isWhole: known.isWhole };
    const { value: page } = await fetch(access, jobId, { limit: EVENTS_PER_PAGE, after }, caller);
    return extended(run, after, page) ?? run;
  }

  async function look(access: Access, jobId: string, caller: Caller): Promise<EventLog> {
    const request = { limit: EVENTS_PER_PAGE, after: null };
    const { value: page, ...times } = await fetch(access, jobId, request, caller, NOTHING_OLDER);
    const key = keyOf(access, jobId);
    for (let log = logs.get(key); log?.older != null; log = logs.get(key)) {
      const after = tailOf(log.head);
      if (after === null) break;
      await fetch(access, jobId, { limit: EVENTS_PER_PAGE, after }, caller, { priority: 'poll' });
      if (logs.get(key) === log) break; // Nothing came, and nothing will.
    }
    const seen = { value: page, ...times };
    return logs.get(key) ?? { head: runOf(page), older: null, ...times, closedAt: closedAtIn(seen), weight: 0 };
  }

  return {
    head,
    deeper,
    look,
    lastLog: (access, jobId) => logs.get(keyOf(access, jobId)),
    hold: (access, jobId) => logs.hold(keyOf(access, jobId)),
    async page(access, jobId, request, caller) {
      const { limit, after } = request;
      if (after === null) return pageOf(await head(access, jobId, limit, caller), request);
      restOn(caller, activeFreshUntil(clock.now(), limits));
      const log = logs.get(keyOf(access, jobId));
      const known = log && (behind(log.head, after) ?? (log.older && behind(log.older, after)));
      if (known && reaches(known, limit)) return pageOf(known, request);
      return (await fetch(access, jobId, request, caller)).value;
    },
  };
}
