import { isOutage, UpstreamError } from '../../upstream/errors/upstream-error.ts';
import { isUnknownCursor } from '../../upstream/lists/list.ts';
import { isDerived } from '../../upstream/resources/derived-id.ts';
import type { JobEvent } from '../../upstream/resources/event.ts';
import type { Page, PageRequest } from '../../upstream/resources/page.ts';
import { CacheReads } from '../cache/cache-reads.ts';
import { aboutJobFreshUntil, activeFreshUntil, settledFreshUntil } from '../cache/freshness.ts';
import { createPinningCache } from '../cache/pinning-cache.ts';
import type { ReadContext } from '../cache/read-context.ts';
import { keyOf } from '../cache/read-through.ts';
import { backgroundContext, createRefreshAhead, runInBackground } from '../cache/refresh-ahead.ts';
import type { Access } from '../cache/scope.ts';
import { createSingleFlight, type FlightRequest } from '../cache/single-flight.ts';
import type { ResourceStoreOptions } from '../cache/store-options.ts';
import { closedAtIn, type EventLog, type LogObservation, mergePage, withoutGap } from './event-log.ts';
import type { JobInvalidation } from './job-invalidation.ts';
import { logPageOf } from './log-item.ts';
import { appendPage, covers, type LogSegment, lastIdOf, pageOf, segmentAfter, segmentOf } from './log-segment.ts';

/** Event logs, read no further back than requested. All reads throw UpstreamError, or the reason of the context's signal. */
export interface EventStore {
  /** Returns the newest events: at least `minCount`, or all there are. */
  head(access: Access, jobId: string, minCount: number, readContext: ReadContext): Promise<LogSegment>;
  /** Returns the newest `count` events, or more, by one upstream call that starts now. */
  newest(access: Access, jobId: string, count: number, readContext: ReadContext): Promise<LogSegment>;
  /** Returns a segment with the cached older events, or else with one more page. A complete segment is returned as is. */
  readOlder(access: Access, jobId: string, segment: LogSegment, readContext: ReadContext): Promise<LogSegment>;
  /** Returns one page, newest first. */
  page(access: Access, jobId: string, request: PageRequest, readContext: ReadContext): Promise<Page<JobEvent>>;
  /**
   * Whether the upstream surely has no event with this id: it rejects the id as a cursor, or starts the log again. Costs
   * one call. False for a derived id, which is no cursor.
   */
  isUnknown(access: Access, jobId: string, id: string, readContext: ReadContext): Promise<boolean>;
  /**
   * Reads the newest events upstream regardless of the cache and of reads in flight, back to the known events. While the
   * log is pinned, it has no gap since the pin, except one that is longer than MAX_PAGES_PER_REFRESH: later calls close it.
   */
  refresh(access: Access, jobId: string, readContext: ReadContext): Promise<EventLog>;
  /** Merges a page that another replica has read into the cached log, which is no fresher then; undefined without one. */
  receive(access: Access, jobId: string, page: Page<JobEvent>): EventLog | undefined;
  /** Returns the cached log, fresh or stale. */
  lastLog(access: Access, jobId: string): EventLog | undefined;
  /** Pins the log. Returns an unpin function. */
  pin(access: Access, jobId: string): () => void;
}

/** The read of one page of a log. */
interface LogRequest extends FlightRequest {
  readonly jobId: string;
  readonly page: PageRequest;
}

type LogTimes = Pick<EventLog, 'requestedAt' | 'receivedAt' | 'closedAt'>;

/** Maximum share of the cache that one log may take: about 40,000 steps by default. */
const MAX_LOG_SHARE = 0.25;

/** Maximum pages of one poll that finds more new events than one page has. */
const MAX_PAGES_PER_REFRESH = 20;

/** Events per upstream page when the whole log is read. */
export const EVENTS_PER_PAGE = 100;

export function createEventStore(
  options: ResourceStoreOptions,
  jobs: Pick<JobInvalidation, 'end' | 'lastChange'>,
): EventStore {
  const { upstream, clock, limits, partition, maxBytes } = options;
  const logs = createPinningCache(partition<EventLog>('events'));
  const refreshAhead = createRefreshAhead(clock);
  const reads = new CacheReads('events');
  const singleFlight = createSingleFlight<LogRequest, Page<JobEvent>, LogObservation>(clock, {
    read: ({ jobId, page }, call) => upstream.events.list(jobId, page, call),
    accept({ access, jobId, page: { after } }, observed) {
      const observation = { ...observed, value: logPageOf(observed.value, observed.receivedSeq) };
      const key = keyOf(access, jobId);
      const before = logs.get(key);
      const log = mergePage(before, after, observation, maxBytes * MAX_LOG_SHARE);
      if (log && log !== before) logs.set(key, log, log.bytes);
      return observation;
    },
  });

  function headFreshUntil(access: Access, jobId: string, log: LogTimes): number {
    if (log.requestedAt <= jobs.lastChange(access, jobId).at) return Number.NEGATIVE_INFINITY; // May lack its effects.
    if (log.closedAt !== null) return settledFreshUntil(log.receivedAt, limits);
    return aboutJobFreshUntil(log, jobs.end(access, jobId), limits);
  }

  const isSettled = (access: Access, jobId: string, { closedAt, requestedAt }: EventLog) =>
    closedAt !== null || requestedAt >= jobs.end(access, jobId).settledAt;

  const defaultNotBefore = (access: Access, jobId: string, { after }: PageRequest) =>
    after === null ? jobs.end(access, jobId).endedAt : undefined;

  /** Reads a page upstream, with single flight, and merges it into the cached log. */
  function readPage(
    access: Access,
    jobId: string,
    page: PageRequest,
    readContext: ReadContext,
    notBefore = defaultNotBefore(access, jobId, page),
  ): Promise<LogObservation> {
    const name = JSON.stringify([jobs.lastChange(access, jobId).sequence, page.limit, page.after]);
    const key = `${keyOf(access, jobId)} ${name}`;
    if (notBefore !== Number.POSITIVE_INFINITY) reads.missed(singleFlight.isInFlight(key, notBefore)); // Else it is a poll.
    return singleFlight.run(key, { access, jobId, page, readContext }, notBefore);
  }

  /** Returns the cached log if its head has at least `minCount` events. */
  function findLog(access: Access, jobId: string, minCount: number): EventLog | undefined {
    const log = logs.get(keyOf(access, jobId));
    return log && covers(log.head, minCount) ? log : undefined;
  }

  /** Whether the fresh log is to be served. Refreshes it in the background when that is due. */
  function canServe(access: Access, jobId: string, minCount: number, readContext: ReadContext, log: EventLog): boolean {
    const use = refreshAhead.useOf(log, headFreshUntil(access, jobId, log), readContext);
    if (use === 'serveAndRefresh') runInBackground(readHead(access, jobId, minCount, backgroundContext(readContext)));
    return use !== 'read';
  }

  async function head(access: Access, jobId: string, minCount: number, readContext: ReadContext): Promise<LogSegment> {
    const cached = findLog(access, jobId, minCount);
    const isFresh = (log: EventLog) => clock.now() < headFreshUntil(access, jobId, log);
    const log =
      cached && isFresh(cached) && canServe(access, jobId, minCount, readContext, cached)
        ? cached
        : await readHead(access, jobId, minCount, readContext).catch((error) => {
            if (cached === undefined || readContext.isAborted) throw error;
            if (isSettled(access, jobId, cached) && isOutage(error)) return cached;
            if (logs.get(keyOf(access, jobId)) === cached && isFresh(cached)) return cached;
            throw error;
          });
    if (log === cached) reads.hit();
    readContext.limitFreshness(headFreshUntil(access, jobId, log));
    return log.head;
  }

  // Prefers the cached log, which can be longer and newer than the page. Returns the page alone when the log is not cached, or
  // when a newer read has left a gap in it.
  async function readHead(
    access: Access,
    jobId: string,
    minCount: number,
    readContext: ReadContext,
    notBefore?: number,
  ) {
    const observation = await readPage(access, jobId, { limit: minCount, after: null }, readContext, notBefore);
    const { value: page, ...times } = observation;
    return findLog(access, jobId, minCount) ?? { head: segmentOf(page), ...times, closedAt: closedAtIn(observation) };
  }

  async function readOlder(
    access: Access,
    jobId: string,
    segment: LogSegment,
    readContext: ReadContext,
  ): Promise<LogSegment> {
    const after = lastIdOf(segment);
    if (segment.isComplete || after === null) return segment;
    const log = logs.get(keyOf(access, jobId));
    const cached = log && segmentAfter(log.head, after);
    if (cached && covers(cached, 1))
      return { items: segment.items.concat(cached.items), isComplete: cached.isComplete };
    const { value: page } = await readPage(access, jobId, { limit: EVENTS_PER_PAGE, after }, readContext);
    return appendPage(segment, after, page) ?? segment;
  }

  async function refresh(access: Access, jobId: string, readContext: ReadContext): Promise<EventLog> {
    const newest = { limit: EVENTS_PER_PAGE, after: null };
    const observation = await readPage(access, jobId, newest, readContext, Number.POSITIVE_INFINITY);
    const key = keyOf(access, jobId);
    for (let log = logs.get(key), pages = 1; log?.older != null && pages < MAX_PAGES_PER_REFRESH; pages++) {
      const after = lastIdOf(log.head);
      if (after === null) break;
      const request = { limit: EVENTS_PER_PAGE, after };
      await readPage(access, jobId, request, readContext).catch(ignoreInvalidPage);
      if (logs.get(key) === log) {
        const reachable = withoutGap(log); // The server returned nothing new.
        logs.set(key, reachable, reachable.bytes);
      }
      log = logs.get(key);
    }
    return logs.get(key) ?? uncachedLog(observation);
  }

  async function isUnknown(access: Access, jobId: string, id: string, readContext: ReadContext): Promise<boolean> {
    if (isDerived(id)) return false;
    try {
      const { value: page } = await readPage(access, jobId, { limit: EVENTS_PER_PAGE, after: id }, readContext);
      const newestId = logs.get(keyOf(access, jobId))?.head.items.find((item) => item.id !== null)?.id;
      return newestId !== undefined && page.items.some((item) => item.id === newestId); // No page behind an event has it.
    } catch (error) {
      if (isUnknownCursor(error)) return true;
      throw error;
    }
  }

  return {
    head,
    newest: async (access, jobId, count, readContext) =>
      (await readHead(access, jobId, count, readContext, Number.POSITIVE_INFINITY)).head,
    readOlder,
    isUnknown,
    refresh,
    receive(access, jobId, page) {
      const key = keyOf(access, jobId);
      const before = logs.get(key);
      if (before === undefined) return undefined;
      const { requestedAt, receivedAt } = before;
      const receivedSeq = clock.nextSequence();
      const observation = { value: logPageOf(page, receivedSeq), requestedAt, receivedAt, receivedSeq };
      const log = mergePage(before, null, observation, maxBytes * MAX_LOG_SHARE);
      if (log && log !== before) logs.set(key, log, log.bytes);
      return log;
    },
    lastLog: (access, jobId) => logs.get(keyOf(access, jobId)),
    pin: (access, jobId) => logs.pin(keyOf(access, jobId)),
    async page(access, jobId, request, readContext) {
      const { limit, after } = request;
      if (after === null) return pageOf(await head(access, jobId, limit, readContext), request);
      readContext.limitFreshness(activeFreshUntil(clock.now(), limits));
      const log = logs.get(keyOf(access, jobId));
      const cached = log && (segmentAfter(log.head, after) ?? (log.older && segmentAfter(log.older, after)));
      if (cached && covers(cached, limit)) return pageOf(cached, request);
      const { value: page } = await readPage(access, jobId, request, readContext);
      return pageOf(segmentOf(page), request); // The upstream can send more than `limit`.
    },
  };
}

function uncachedLog(observation: LogObservation): EventLog {
  const { value: page, requestedAt, receivedAt, receivedSeq: arrival } = observation;
  const closedAt = closedAtIn(observation);
  return { head: segmentOf(page), older: null, requestedAt, receivedAt, closedAt, arrival, lastInsertion: 0, bytes: 0 };
}

function ignoreInvalidPage(error: unknown): void {
  if (!(error instanceof UpstreamError && error.code === 'UPSTREAM_INVALID_RESPONSE')) throw error;
}
