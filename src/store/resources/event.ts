import { isOutage } from '../../upstream/errors/upstream-error.ts';
import type { Priority } from '../../upstream/resilience/call-rate-limiter.ts';
import type { JobEvent } from '../../upstream/resources/event.ts';
import type { Page, PageRequest } from '../../upstream/resources/page.ts';
import { aboutJobFreshUntil, activeFreshUntil, type Observation, settledFreshUntil } from '../cache/freshness.ts';
import { createPinningCache } from '../cache/pinning-cache.ts';
import { observe } from '../cache/read-through.ts';
import type { Access } from '../cache/scope.ts';
import { createSingleFlight, type FlightSignal, limitFreshness, type ReadContext } from '../cache/single-flight.ts';
import type { ResourceStoreOptions } from '../cache/store-options.ts';
import { closedAtIn, type EventLog, mergePage } from './event-log.ts';
import type { JobStore } from './job.ts';
import { appendPage, covers, type LogSegment, lastIdOf, pageOf, segmentAfter, segmentOf } from './log-segment.ts';

/** A job's log, read no further back than somebody has asked. All methods throw UpstreamError, or the reason of the caller's signal. */
export interface EventStore {
  /** The newest events: at least so many, or all there are. */
  head(access: Access, jobId: string, atLeast: number, readContext: ReadContext): Promise<LogSegment>;
  /** A run with what is known behind it, or else with one page more. Of a whole run, itself. */
  readOlder(access: Access, jobId: string, run: LogSegment, readContext: ReadContext): Promise<LogSegment>;
  /** One page, newest first. */
  page(access: Access, jobId: string, request: PageRequest, readContext: ReadContext): Promise<Page<JobEvent>>;
  /**
   * Reads the newest events anew, joins no read that is under way, and reads back to what was known before. While the log
   * is held, nothing that has come since then is missing.
   */
  refresh(access: Access, jobId: string, readContext: ReadContext): Promise<EventLog>;
  /** What is known of the log, however old; undefined when nothing is kept. */
  lastLog(access: Access, jobId: string): EventLog | undefined;
  /** Keeps the log until what it returns is called, however full the room is. */
  pin(access: Access, jobId: string): () => void;
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

export function createEventStore(options: ResourceStoreOptions, jobs: JobStore): EventStore {
  const { upstream, clock, limits, partition, maxBytes } = options;
  const logs = createPinningCache(partition<EventLog>('events'));
  const singleFlight = createSingleFlight<Observation<Page<JobEvent>>>(clock);
  const keyOf = ({ scope }: Access, jobId: string) => `${scope} ${jobId}`;

  function headFreshUntil(access: Access, jobId: string, sight: Omit<EventLog, 'head' | 'older' | 'bytes'>): number {
    if (sight.requestedAt <= jobs.lastChange(access, jobId).at) return Number.NEGATIVE_INFINITY; // It may lack what that brought.
    if (sight.closedAt !== null) return settledFreshUntil(sight.receivedAt, limits);
    return aboutJobFreshUntil(sight, jobs.end(access, jobId), limits);
  }

  const isSettled = (access: Access, jobId: string, { closedAt, requestedAt }: EventLog) =>
    closedAt !== null || requestedAt >= jobs.end(access, jobId).settledAt;

  /** Reads a page, shared with all who ask for it at the same time, and adds it to the log. */
  async function fetch(
    access: Access,
    jobId: string,
    request: PageRequest,
    readContext: ReadContext,
    { priority, notBefore }: Asking = {
      priority: 'query',
      notBefore: request.after === null ? jobs.end(access, jobId).endedAt : undefined,
    },
  ) {
    const read = async (departure: FlightSignal) => {
      const call = { credential: access.credential, ...departure };
      const observation = await observe(clock, () => upstream.events.list(jobId, request, { ...call, priority }));
      const key = keyOf(access, jobId);
      const before = logs.get(key);
      const log = mergePage(before, request.after, observation, maxBytes * LOG_SHARE);
      if (log && log !== before) logs.set(key, log, log.bytes);
      return observation;
    };
    const { limit, after } = request;
    const name = `${keyOf(access, jobId)} ${JSON.stringify([jobs.lastChange(access, jobId).sequence, limit, after])}`;
    return await singleFlight.run(name, readContext, read, notBefore);
  }

  /** The log, if its head goes back so far. */
  function logReaching(access: Access, jobId: string, atLeast: number): EventLog | undefined {
    const log = logs.get(keyOf(access, jobId));
    return log && covers(log.head, atLeast) ? log : undefined;
  }

  async function head(access: Access, jobId: string, atLeast: number, readContext: ReadContext): Promise<LogSegment> {
    const known = logReaching(access, jobId, atLeast);
    const isFresh = known !== undefined && clock.now() < headFreshUntil(access, jobId, known);
    const newest = isFresh
      ? known
      : await readHead(access, jobId, atLeast, readContext).catch((error) => {
          if (known !== undefined && isSettled(access, jobId, known) && isOutage(error)) return known;
          throw error;
        });
    limitFreshness(readContext, headFreshUntil(access, jobId, newest));
    return newest.head;
  }

  // The log has what was read, and what answers to later questions have brought meanwhile; where none is kept, or what
  // came meanwhile has left a gap, what was read stands for itself.
  async function readHead(access: Access, jobId: string, atLeast: number, readContext: ReadContext) {
    const observation = await fetch(access, jobId, { limit: atLeast, after: null }, readContext);
    const { value: page, ...times } = observation;
    return (
      logReaching(access, jobId, atLeast) ?? { head: segmentOf(page), ...times, closedAt: closedAtIn(observation) }
    );
  }

  async function readOlder(
    access: Access,
    jobId: string,
    run: LogSegment,
    readContext: ReadContext,
  ): Promise<LogSegment> {
    const after = lastIdOf(run);
    if (run.isComplete || after === null) return run;
    const log = logs.get(keyOf(access, jobId));
    const known = log && segmentAfter(log.head, after);
    if (known && covers(known, 1)) return { items: run.items.concat(known.items), isComplete: known.isComplete };
    const { value: page } = await fetch(access, jobId, { limit: EVENTS_PER_PAGE, after }, readContext);
    return appendPage(run, after, page) ?? run;
  }

  async function refresh(access: Access, jobId: string, readContext: ReadContext): Promise<EventLog> {
    const request = { limit: EVENTS_PER_PAGE, after: null };
    const { value: page, ...times } = await fetch(access, jobId, request, readContext, NOTHING_OLDER);
    const key = keyOf(access, jobId);
    for (let log = logs.get(key); log?.older != null; log = logs.get(key)) {
      const after = lastIdOf(log.head);
      if (after === null) break;
      await fetch(access, jobId, { limit: EVENTS_PER_PAGE, after }, readContext, { priority: 'poll' });
      if (logs.get(key) === log) break; // Nothing came, and nothing will.
    }
    const seen = { value: page, ...times };
    return logs.get(key) ?? { head: segmentOf(page), older: null, ...times, closedAt: closedAtIn(seen), bytes: 0 };
  }

  return {
    head,
    readOlder,
    refresh,
    lastLog: (access, jobId) => logs.get(keyOf(access, jobId)),
    pin: (access, jobId) => logs.pin(keyOf(access, jobId)),
    async page(access, jobId, request, readContext) {
      const { limit, after } = request;
      if (after === null) return pageOf(await head(access, jobId, limit, readContext), request);
      limitFreshness(readContext, activeFreshUntil(clock.now(), limits));
      const log = logs.get(keyOf(access, jobId));
      const known = log && (segmentAfter(log.head, after) ?? (log.older && segmentAfter(log.older, after)));
      if (known && covers(known, limit)) return pageOf(known, request);
      return (await fetch(access, jobId, request, readContext)).value;
    },
  };
}
