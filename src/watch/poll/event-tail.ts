import type { Clock } from '../../clock.ts';
import { contextFor, createReadContext } from '../../store/cache/read-context.ts';
import type { Access } from '../../store/cache/scope.ts';
import type { EventLog } from '../../store/resources/event-log.ts';
import type { Store } from '../../store/store.ts';
import type { SpanEvent } from '../../telemetry/spans.ts';
import type { CallAccount, Caller } from '../../upstream/resilience/call-claims.ts';
import type { JobEvent } from '../../upstream/resources/event.ts';
import type { Job } from '../../upstream/resources/job.ts';
import type { Page } from '../../upstream/resources/page.ts';
import type { StateOf } from './change.ts';
import { pollClaimant } from './claimants.ts';
import type { LogSharing } from './log-sharing.ts';
import { observePoll, reportPollFailure } from './poll-events.ts';
import { nextPollAfterFailureIn, nextPollIn } from './poll-interval.ts';
import type { WatchRegistry } from './registry-types.ts';
import { createUpdateSignal } from './update-signal.ts';
import { isNotFound, isPermanent, retryAfterOf, toError } from './watch-errors.ts';

export interface EventTailOptions {
  access: Access;
  store: Store;
  clock: Clock;
  registry: WatchRegistry;
  stateOf: StateOf;
  logs: LogSharing;
  pollIntervalMs: number;
  /** The callers of all readers. */
  callers: Iterable<Caller>;
  /** Whether only subscribers of other replicas read the log here. */
  isRemote: () => boolean;
  /** Pays for the first poll, which a list in the opposite order makes long. */
  account: CallAccount | undefined;
}

/**
 * Follows the head of one job's event log, for all its readers. Each reader has its own cursor.
 *
 * - Shared: when another replica polls the scope, this one reads the log once, and then gets what that one has read. It reads
 *   the log again where something may be missing, and after the end of the job if it was not told of the last events.
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
  /** Polls once, although another replica polls the logs: something may be missing. */
  pollHere(): void;
  /** Polls from now on, whichever replica polls the logs: the others cannot. */
  takePolls(): void;
  /** Handles a part of the log that another replica has read. */
  receive(page: Page<JobEvent>, isLast: boolean): void;
  /** This replica has the polls of the scope now, or has lost them. */
  onDuty(): void;
  dispose(): void;
}

/** Another replica has so long to send the last events of an ended job; then this one reads them itself. */
const LAST_EVENTS_MS = 2000;

/** `onEnd` is called when the tail fails. */
export function createEventTail(options: EventTailOptions, jobId: string, onEnd: (error: Error) => void): EventTail {
  const { access, store, clock, registry, stateOf, logs, callers, account } = options;
  const disposal = new AbortController();
  const claimant = pollClaimant(callers);
  const ownContext = createReadContext(disposal.signal, claimant);
  /** Pays for the next successful poll; undefined when it is one that all readers share. */
  let payer = account && afterFirst(account);
  const unpin = store.events.pin(access, jobId);
  const updates = createUpdateSignal();
  /** Pages that came before the end of the first poll. */
  const early: [page: Page<JobEvent>, isLast: boolean][] = [];
  let job: Job | undefined;
  let [isClosed, hasPolls] = [false, false];
  let failures = 0;
  let changedAt = clock.now();
  let isPolling = false;
  let isPollRequested = false;
  let dueAt = clock.now();
  let cancelTimer: (() => void) | null = null;

  const pollIntervalMs = () => options.pollIntervalMs * logs.intervalFactor;

  function fail(reason: Error) {
    if (updates.fail(reason)) onEnd(reason);
  }

  function pollIn(ms: number) {
    cancelTimer?.();
    cancelTimer = null;
    dueAt = clock.now() + ms;
    if (isClosed || updates.error || disposal.signal.aborted || ms === Number.POSITIVE_INFINITY) return;
    cancelTimer = clock.after(ms, () => void poll());
  }

  /** Whether another replica polls the log, and nothing is missing here. */
  const isFollower = () => !logs.isOnDuty && !hasPolls && updates.version > 0 && failures === 0 && !isPollRequested;

  function pollSoon() {
    pollIn(isFollower() ? nextPollDelay() : 0);
  }

  function pollHere() {
    if (job === undefined) return; // The first poll waits for it.
    isPollRequested = true;
    pollIn(0);
  }

  /** Includes a poll when the job settles: the last events arrive after its end. */
  function nextPollDelay(): number {
    const { settledAt } = store.jobs.invalidation.end(access, jobId);
    const now = clock.now();
    if (isFollower()) return Math.max(0, settledAt - now) + LAST_EVENTS_MS;
    const waitMs = nextPollIn(job ? stateOf(job) : '', now - changedAt, pollIntervalMs());
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
      if (disposal.signal.aborted || updates.error) return;
      reportPollFailure('events', isPermanent(reason) ? 'dropped' : 'retried', reason);
      if (isPermanent(reason)) return fail(toError(reason));
      pollIn(nextPollAfterFailureIn(++failures, pollIntervalMs(), Math.random(), retryAfterOf(reason)));
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
    if (log.older === null) logs.publish(jobId, log.head, isClosed);
    updates.notify();
    for (const [page, isLast] of early.splice(0)) receive(page, isLast);
  }

  function receive(page: Page<JobEvent>, isLast: boolean) {
    if (isClosed || updates.error) return;
    if (updates.version === 0) return void early.push([page, isLast]);
    const before = store.events.lastLog(access, jobId);
    const log = store.events.receive(access, jobId, page);
    if (log === undefined || log.older !== null) return pollHere(); // The part does not follow what is known here.
    if (log.head.items !== before?.head.items) changedAt = clock.now();
    isClosed = isLast || log.closedAt !== null;
    pollSoon();
    updates.notify();
  }

  async function waitForUpdate(knownVersion: number, signal: AbortSignal) {
    if (!isClosed || updates.error) await updates.wait(knownVersion, signal);
  }

  const watch = registry.watch(jobId, {
    callers,
    get isRemote() {
      return options.isRemote();
    },
    onChange(change) {
      job = change.job;
      changedAt = clock.now();
      pollSoon();
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
      return updates.version;
    },
    get isClosed() {
      return isClosed;
    },
    waitForUpdate,
    async pollNow(signal, account) {
      payer = account && withoutWaiting(account);
      const polls = isPolling ? 2 : 1; // A running poll may have started before the event was added.
      pollHere();
      for (let count = 0; count < polls; count++) await waitForUpdate(updates.version, signal);
    },
    pollHere,
    takePolls() {
      hasPolls = true;
      pollHere();
    },
    receive,
    onDuty() {
      if (updates.version > 0) pollIn(isFollower() ? nextPollDelay() : Math.random() * pollIntervalMs());
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
