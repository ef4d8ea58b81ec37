import { contextFor, createReadContext } from '../../store/cache/read-context.ts';
import type { Store } from '../../store/store.ts';
import type { SpanEvent } from '../../telemetry/spans.ts';
import { callersOf, pollClaimant } from './claimants.ts';
import { type FollowedJob, needsEventRead, type ProgressListener, postponeRead, recordEvents } from './followed-job.ts';
import type { LogSharing } from './log-sharing.ts';
import { observePoll, reportPollFailure } from './poll-events.ts';
import { nextPollAfterFailureIn } from './poll-interval.ts';
import type { WatchRegistry, WatchRegistryOptions } from './registry-types.ts';
import { isPermanent, retryAfterOf } from './watch-errors.ts';

export interface ProgressReaderOptions extends Omit<WatchRegistryOptions, 'jobs' | 'sharing' | 'onScheduleChange'> {
  store: Store;
  logs: LogSharing;
  registry: WatchRegistry;
}

/** The reads of the newest events of followed jobs, and their times. */
export interface ProgressReads {
  /** Whether the events of a job have to be read here. */
  isNeeded(entry: FollowedJob): boolean;
  /** Plans the next reads anew. */
  schedule(): void;
  dispose(): void;
}

export interface ProgressReadsOptions extends ProgressReaderOptions {
  readonly followed: ReadonlyMap<string, FollowedJob>;
  readonly accountListeners: ReadonlySet<ProgressListener>;
  /** Called after each read that does not have to be repeated. */
  readonly onRead: (entry: FollowedJob) => void;
}

/** Maximum jobs whose events are read in one interval. */
export const MAX_READS = 25;
/** Number of events to read: the default page of `events`. */
export const EVENT_COUNT = 20;

export function createProgressReads(options: ProgressReadsOptions): ProgressReads {
  const { access, store, logs, clock, registry, stateOf, followed, accountListeners, onRead } = options;
  const disposal = new AbortController();
  const readContext = createReadContext(disposal.signal);
  let cancelTimer: (() => void) | null = null;
  let intervalStartedAt = Number.NEGATIVE_INFINITY;
  let [readsInInterval, reads, failures] = [0, 0, 0];
  let pausedUntil = Number.NEGATIVE_INFINITY;

  const pollIntervalMs = () => options.pollIntervalMs * logs.intervalFactor;
  const isNeeded = (entry: FollowedJob) => needsEventRead(entry, stateOf) && (logs.isOnDuty || entry.isReadRequested);

  const postpone = (entry: FollowedJob, now: number) =>
    postponeRead(entry, now - (registry.jobs.get(entry.id)?.polledAt ?? Number.NEGATIVE_INFINITY) < pollIntervalMs());

  function schedule(): void {
    cancelTimer?.();
    cancelTimer = null;
    if (disposal.signal.aborted) return;
    const waiting = [...followed.values()].filter(isNeeded);
    if (waiting.length === 0) return;
    const now = clock.now();
    const isRequested = waiting.some(({ isReadRequested }) => isReadRequested);
    const hasRoom = readsInInterval < MAX_READS || now - intervalStartedAt >= pollIntervalMs();
    const nextAt = isRequested && hasRoom ? now : intervalStartedAt + pollIntervalMs();
    const dueAt = Math.max(nextAt, pausedUntil, now);
    cancelTimer = clock.after(dueAt - now, () => readDue(dueAt));
  }

  function readDue(dueAt: number): void {
    const now = clock.now();
    const isNewInterval = now - intervalStartedAt >= pollIntervalMs();
    if (isNewInterval) [intervalStartedAt, readsInInterval] = [now, 0];
    const due = [...followed.values()]
      .filter((entry) => isNeeded(entry) && (isNewInterval ? !postpone(entry, now) : entry.isReadRequested))
      .sort((one, other) => one.lastRead - other.lastRead)
      .slice(0, MAX_READS - readsInInterval);
    readsInInterval += due.length;
    for (const entry of due) void read(entry, now - dueAt).finally(schedule);
    schedule();
  }

  async function read(entry: FollowedJob, lagMs: number): Promise<void> {
    entry.isReading = true;
    entry.isReadRequested = false;
    entry.lastRead = ++reads;
    const callers = callersOf(entry.listeners, entry.isOfAccount ? accountListeners : []);
    // The subscribers wait for the read: it takes the first turn that any of them has.
    const readNewest = (span: SpanEvent | null) =>
      store.events.newest(access, entry.id, EVENT_COUNT, contextFor(pollClaimant(callers, span), readContext));
    try {
      const segment = await observePoll('progress', callers, lagMs, readNewest);
      failures = 0;
      logs.publish(entry.id, segment, false);
      if (recordEvents(entry, segment.items.slice(0, EVENT_COUNT))) registry.requestPoll(entry.id, 'poll');
    } catch (error) {
      if (disposal.signal.aborted) return;
      reportPollFailure('progress', isPermanent(error) ? 'dropped' : 'retried', error);
      if (!isPermanent(error)) return pauseAfter(error, entry);
      entry.isUnreadable = true;
    } finally {
      entry.isReading = false;
    }
    onRead(entry);
  }

  function pauseAfter(error: unknown, entry: FollowedJob): void {
    entry.isReadRequested = true;
    const waitMs = nextPollAfterFailureIn(++failures, pollIntervalMs(), Math.random(), retryAfterOf(error));
    pausedUntil = clock.now() + waitMs;
  }

  return {
    isNeeded,
    schedule,
    dispose() {
      disposal.abort(new Error('The progress has no more listeners.'));
      cancelTimer?.();
      cancelTimer = null;
    },
  };
}
