import { isOutage } from '../upstream/errors.ts';
import type { JobEvent } from '../upstream/event.ts';
import type { Page, PageRequest } from '../upstream/page.ts';
import { closedAtIn, type EventLog, withPage } from './event-log.ts';
import { type Caller, createFlights, type Departure, restOn } from './flights.ts';
import { aboutJobFreshUntil, activeFreshUntil, type Sight, settledFreshUntil } from './freshness.ts';
import type { JobStore } from './job.ts';
import type { PartOptions } from './parts.ts';
import { takeSight } from './reads.ts';
import { behind, extended, pageOf, type Run, reaches, runOf, tailOf } from './run.ts';
import type { Access } from './scope.ts';

/** A job's log, read no further back than somebody has asked. All methods throw UpstreamError, or the reason of the caller's signal. */
export interface EventStore {
  /** The newest events: at least so many, or all there are. */
  head(access: Access, jobId: string, atLeast: number, caller: Caller): Promise<Run>;
  /** A run with what is known behind it, or else with one page more. Of a whole run, itself. */
  deeper(access: Access, jobId: string, run: Run, caller: Caller): Promise<Run>;
  /** One page, newest first. */
  page(access: Access, jobId: string, request: PageRequest, caller: Caller): Promise<Page<JobEvent>>;
}

/** Of all that is kept, the most that one log may take: some 40,000 steps by default. */
const LOG_SHARE = 0.25;

/** Events in one upstream page when the whole log is wanted. */
export const EVENTS_A_PAGE = 100;

export function createEventStore(options: PartOptions, jobs: JobStore): EventStore {
  const { upstream, clock, limits, shelf, maxBytes } = options;
  const logs = shelf<EventLog>('events');
  const flights = createFlights<Sight<Page<JobEvent>>>(clock);
  const keyOf = ({ scope }: Access, jobId: string) => `${scope} ${jobId}`;

  function headFreshUntil(access: Access, jobId: string, sight: Omit<EventLog, 'head' | 'older' | 'weight'>): number {
    if (sight.closedAt !== null) return settledFreshUntil(sight.arrivedAt, limits);
    return aboutJobFreshUntil(sight, jobs.end(access, jobId), limits);
  }

  const isSettled = (access: Access, jobId: string, { closedAt, beganAt }: EventLog) =>
    closedAt !== null || beganAt >= jobs.end(access, jobId).quietAt;

  /** Reads a page, shared with all who ask for it at the same time, and adds it to the log. */
  async function fetch(access: Access, jobId: string, request: PageRequest, caller: Caller) {
    const read = async (departure: Departure) => {
      const call = { credential: access.credential, ...departure };
      const seen = await takeSight(clock, () => upstream.events.list(jobId, request, call));
      const key = keyOf(access, jobId);
      const before = logs?.get(key);
      const log = withPage(before, request.after, seen, maxBytes * LOG_SHARE);
      if (log && log !== before) logs?.set(key, log, log.weight);
      return seen;
    };
    const { limit, after } = request;
    const name = `${keyOf(access, jobId)} ${JSON.stringify([limit, after])}`;
    return await flights.join(name, caller, read, after === null ? jobs.end(access, jobId).endedAt : undefined);
  }

  /** The log, if its head goes back so far. */
  function logReaching(access: Access, jobId: string, atLeast: number): EventLog | undefined {
    const log = logs?.get(keyOf(access, jobId));
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
    const log = logs?.get(keyOf(access, jobId));
    const known = log && behind(log.head, after);
    if (known && reaches(known, 1)) return { items: run.items.concat(known.items), isWhole: known.isWhole };
    const { value: page } = await fetch(access, jobId, { limit: EVENTS_A_PAGE, after }, caller);
    return extended(run, after, page) ?? run;
  }

  return {
    head,
    deeper,
    async page(access, jobId, request, caller) {
      const { limit, after } = request;
      if (after === null) return pageOf(await head(access, jobId, limit, caller), request);
      restOn(caller, activeFreshUntil(clock.now(), limits));
      const log = logs?.get(keyOf(access, jobId));
      const known = log && (behind(log.head, after) ?? (log.older && behind(log.older, after)));
      if (known && reaches(known, limit)) return pageOf(known, request);
      return (await fetch(access, jobId, request, caller)).value;
    },
  };
}
