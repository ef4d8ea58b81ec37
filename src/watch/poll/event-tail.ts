import type { Clock } from '../../clock.ts';
import { contextFor, createReadContext } from '../../store/cache/read-context.ts';
import type { Access } from '../../store/cache/scope.ts';
import type { EventLog } from '../../store/resources/event-log.ts';
import type { Store } from '../../store/store.ts';
import type { SpanEvent } from '../../telemetry/spans.ts';
import type { CallAccount, Caller } from '../../upstream/resilience/call-claims.ts';
import type { Job } from '../../upstream/resources/job.ts';
import type { StateOf } from './change.ts';
import { pollClaimant } from './claimants.ts';
import { observePoll, reportPollFailure } from './poll-events.ts';
import { nextPollAfterFailureIn, nextPollIn } from './poll-interval.ts';
import { isNotFound, isPermanent, retryAfterOf, toError } from './watch-errors.ts';
import type { WatchRegistry } from './watch-registry.ts';

export interface EventTailOptions {
  access: Access;
  store: Store;
  clock: Clock;
  registry: WatchRegistry;
  stateOf: StateOf;
  pollIntervalMs: number;
  /** The callers of all readers. */
  callers: Iterable<Caller>;
  /** Pays for the first poll, which a list in the opposite order makes long. */
  account: CallAccount | undefined;
}

/**
 * Polls the head of one job's event log, for all its readers. Each reader has its own cursor.
 *
 * - Poll: at once when the job's state changes or `pollNow` is called; otherwise at the job's poll interval, and once more
 *   when the ended job has settled. After a failure: with backoff.
 * - Closed: the log has its final event, or was read after the job had settled. There are no further polls; nothing waits.
 * - Failed: the job's watch has ended with an error (the job does not exist), a poll failed permanently, or the tail was
 *   disposed. Waiting and later calls reject with that error.
 */
export interface EventTail {
  /** The job by its last observation; undefined before the first. */
  readonly job: Job | undefined;
  /** Increases with each successful poll. */
  readonly version: number;
  readonly isClosed: boolean;
  /** Resolves when `version` differs from the argument, at once when closed, or on abort. Rejects when the tail fails. */
  waitForUpdate(version: number, signal: AbortSignal): Promise<void>;
  /**
   * Polls at once; the account pays for it. Resolves after a poll that started after this call, at once when closed, or on
   * abort. Rejects when the tail fails.
   */
  pollNow(signal: AbortSignal, account?: CallAccount): Promise<void>;
  dispose(): void;
}

/** `onEnd` is called when the tail fails. */
export function createEventTail(options: EventTailOptions, jobId: string, onEnd: () => void): EventTail {
  const { access, store, clock, registry, stateOf, pollIntervalMs, callers, account } = options;
  const disposal = new AbortController();
  const claimant = pollClaimant(callers);
  const ownContext = createReadContext(disposal.signal, claimant);
  /** Pays for the next successful poll; undefined when it is one that all readers share. */
  let payer = account && afterFirst(account);
  const unpin = store.events.pin(access, jobId);
  const waiters = new Set<PromiseWithResolvers<void>>();
  let job: Job | undefined;
  let version = 0;
  let isClosed = false;
  let error: Error | undefined;
  let failures = 0;
  let changedAt = clock.now();
  let isPolling = false;
  let isPollRequested = false;
  let dueAt = clock.now();
  let cancelTimer: (() => void) | null = null;

  function notifyWaiters() {
    version++;
    for (const { resolve } of waiters) resolve();
    waiters.clear();
  }

  function fail(reason: Error) {
    if (error) return;
    error = reason;
    for (const { reject } of waiters) reject(reason);
    waiters.clear();
    onEnd();
  }

  function pollIn(ms: number) {
    cancelTimer?.();
    dueAt = clock.now() + ms;
    cancelTimer = isClosed || error || disposal.signal.aborted ? null : clock.after(ms, () => void poll());
  }

  /** Includes a poll when the job settles: the last events arrive after its end. */
  function nextPollDelay(): number {
    const { settledAt } = store.jobs.invalidation.end(access, jobId);
    const now = clock.now();
    const waitMs = nextPollIn(job ? stateOf(job) : '', now - changedAt, pollIntervalMs);
    return settledAt > now ? Math.min(waitMs, settledAt - now) : waitMs;
  }

  async function poll() {
    if (isPolling) return;
    isPolling = true;
    isPollRequested = false;
    const before = store.events.lastLog(access, jobId);
    const paying = payer;
    const contextOf = (span: SpanEvent | null) =>
      paying || span
        ? contextFor({ ...claimant, trace: span?.context, ...(paying && { account: paying }) }, ownContext)
        : ownContext;
    try {
      const refresh = (span: SpanEvent | null) => store.events.refresh(access, jobId, contextOf(span));
      update(before, await observePoll('events', callers, clock.now() - dueAt, refresh));
      if (payer === paying) payer = undefined;
      pollIn(isPollRequested ? 0 : nextPollDelay());
    } catch (reason) {
      if (isNotFound(reason)) await refreshJob();
      if (disposal.signal.aborted || error) return;
      reportPollFailure('events', isPermanent(reason) ? 'dropped' : 'retried', reason);
      if (isPermanent(reason)) return fail(toError(reason));
      pollIn(nextPollAfterFailureIn(++failures, pollIntervalMs, Math.random(), retryAfterOf(reason)));
    } finally {
      isPolling = false;
    }
  }

  /** Reads the job after a 404 for its log. If it does not exist either, the registry ends this tail with JobNotFound. */
  async function refreshJob() {
    await store.jobs.refresh(access, jobId, { readContext: ownContext, cause: 'poll' }).catch(() => null);
  }

  function update(before: EventLog | undefined, log: EventLog) {
    failures = 0;
    if (log.head.items !== before?.head.items) changedAt = clock.now();
    const isEnded = log.closedAt !== null || log.requestedAt >= store.jobs.invalidation.end(access, jobId).settledAt;
    isClosed = isEnded && log.older === null; // The next poll reads on in a long gap.
    notifyWaiters();
  }

  async function waitForUpdate(knownVersion: number, signal: AbortSignal) {
    if (error) throw error;
    if (version !== knownVersion || isClosed || signal.aborted) return;
    const waiter = Promise.withResolvers<void>();
    const onAbort = () => {
      waiters.delete(waiter);
      waiter.resolve();
    };
    waiters.add(waiter);
    signal.addEventListener('abort', onAbort);
    try {
      await waiter.promise;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  const watch = registry.watch(jobId, {
    callers,
    onChange(change) {
      job = change.job;
      changedAt = clock.now();
      pollIn(0);
    },
    onEnd: fail,
  });
  if (watch.snapshot) {
    job = watch.snapshot.job;
    pollIn(0);
  }

  return {
    get job() {
      return job;
    },
    get version() {
      return version;
    },
    get isClosed() {
      return isClosed;
    },
    waitForUpdate,
    async pollNow(signal, account) {
      payer = account && withoutWaiting(account);
      const updates = isPolling ? 2 : 1; // A running poll may have started before the event was added.
      isPollRequested = true;
      pollIn(0);
      for (let count = 0; count < updates; count++) await waitForUpdate(version, signal);
    },
    dispose() {
      const reason = new Error('The event log has no more readers.');
      disposal.abort(reason);
      cancelTimer?.();
      fail(reason);
      watch.stop();
      unpin();
    },
  };
}

/** Returns an account that makes no call wait: others wait for the poll too. */
const withoutWaiting = ({ charge }: CallAccount): CallAccount => ({ waitForPoints: async () => {}, charge });

/** Returns an account for the calls after the first one, which the price of a subscription includes. */
function afterFirst(account: CallAccount): CallAccount {
  let calls = 0;
  return withoutWaiting({ ...account, charge: () => void (++calls > 1 && account.charge()) });
}
