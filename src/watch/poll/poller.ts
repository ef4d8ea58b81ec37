import type { Clock } from '../../clock.ts';
import { contextFor, createReadContext, type ReadContext } from '../../store/cache/read-context.ts';
import type { Access } from '../../store/cache/scope.ts';
import type { JobStore } from '../../store/resources/job.ts';
import type { SpanEvent } from '../../telemetry/spans.ts';
import { isOutage, isRejection, UpstreamError } from '../../upstream/errors/upstream-error.ts';
import type { Caller } from '../../upstream/resilience/call-claims.ts';
import { callersOf, pollClaimant } from './claimants.ts';
import type { JobSharing } from './job-sharing.ts';
import { alignPolls, isPageWorthReading } from './page-plan.ts';
import { observePoll, reportPollFailure } from './poll-events.ts';
import { nextPollAfterFailureIn } from './poll-interval.ts';
import type { WatchRegistry } from './registry-types.ts';
import { isCredentialError, retryAfterOf, toError } from './watch-errors.ts';
import type { WatchedJob } from './watched-job.ts';

const JOBS_PER_PAGE = 100;
/** Pages of the first account-wide scan, which finds the active jobs. */
const FIRST_SCAN_PAGES = 10;
/** Maximum pages of one poll. */
const MAX_PAGES = 100;

export interface PollerOptions {
  access: Access;
  jobs: JobStore;
  clock: Clock;
  registry: WatchRegistry;
  sharing: JobSharing;
  pollIntervalMs: number;
}

/** Polls the watched jobs of one scope when they are due. All listeners of a job share its polls. */
export interface Poller {
  /** Sets the timer again: a poll may be due earlier than before. */
  schedule(): void;
  dispose(): void;
}

export function createPoller(options: PollerOptions): Poller {
  const { access, jobs: store, clock, registry, sharing, pollIntervalMs } = options;
  const disposal = new AbortController();
  const readContext = createReadContext(disposal.signal);
  let cancelTimer: (() => void) | null = null;
  let isScheduling = false;
  let isReadingPages = false;
  let isListAvailable = true;
  let failures = 0;
  let pausedUntil = Number.NEGATIVE_INFINITY;

  /** The subscribers of these jobs, and account-wide ones. Those of one job go first, because the number of claims is limited. */
  function* callersOfJobs(jobs: Iterable<WatchedJob>, isAccountIncluded: boolean): Generator<Caller> {
    let isWatchedByAccount = isAccountIncluded;
    for (const job of jobs) {
      yield* callersOf(job.listeners);
      isWatchedByAccount ||= job.isWatchedByAccount;
    }
    if (isWatchedByAccount) yield* callersOf(registry.account.listeners);
  }

  function setTimer() {
    isScheduling = false;
    cancelTimer?.();
    cancelTimer = null;
    if (disposal.signal.aborted) return;
    let dueAt = mayScan() ? registry.account.dueAt : Number.POSITIVE_INFINITY;
    for (const job of registry.jobs.values()) if (mayPoll(job)) dueAt = Math.min(dueAt, job.dueAt);
    if (dueAt === Number.POSITIVE_INFINITY) return;
    cancelTimer = clock.after(Math.max(0, Math.max(dueAt, pausedUntil) - clock.now()), poll);
  }

  // In a microtask: many jobs can be watched or observed in one task.
  function schedule() {
    if (isScheduling) return;
    isScheduling = true;
    queueMicrotask(setTimer);
  }

  // While pages are read, other jobs wait: they may be on one of them, and a second reader would read the same pages.
  const mayPoll = (job: WatchedJob) =>
    !job.isPolling && (!isReadingPages || job.requested === 'webhook') && isPolledHere(job);
  const isPolledHere = (job: WatchedJob) => sharing.isOnDuty || job.isPolledHere || job.observation === undefined;

  /** Whether the list may be scanned. A replica reads the active jobs itself for its first account-wide listener. */
  function mayScan(): boolean {
    const { isPolling, isScanned, isScannedHere } = registry.account;
    return !isPolling && !isReadingPages && (sharing.isOnDuty || !isScanned || isScannedHere);
  }

  function poll() {
    const now = clock.now();
    const due = [...registry.jobs.values()].filter((job) => mayPoll(job) && job.dueAt <= now);
    const isAccountDue = mayScan() && registry.account.dueAt <= now;
    if (due.length > 0 || isAccountDue) void pollDue(due, isAccountDue).finally(schedule);
    schedule();
  }

  async function pollDue(due: readonly WatchedJob[], isAccountDue: boolean) {
    const isFirstAfterFailure = failures > 0;
    const dueAt = Math.min(
      isAccountDue ? registry.account.dueAt : Number.POSITIVE_INFINITY,
      ...due.map((job) => job.dueAt),
    );
    const causes = new Map(due.map((job) => [job, job.requested ?? 'poll'] as const));
    for (const job of due) {
      job.isPolling = true;
      job.polledAt = clock.now();
      job.requested = null;
    }
    if (isAccountDue) registry.account.isPolling = true;
    try {
      await observePoll('jobs', callersOfJobs(due, isAccountDue), clock.now() - dueAt, async (span) => {
        // A job with a webhook gets a single read, which records the webhook as the cause.
        const remaining = new Set(due.filter((job) => causes.get(job) === 'poll'));
        if (remaining.size > 0 || isAccountDue) await pollPages(remaining, isAccountDue, span);
        const singles = due.filter((job) => remaining.has(job) || causes.get(job) === 'webhook');
        // After a failure, one read goes first: in an outage it fails alone.
        if (isFirstAfterFailure) for (const job of singles.splice(0, 1)) await pollJob(job, span, causes.get(job));
        await Promise.all(singles.map((job) => pollJob(job, span, causes.get(job))));
      });
      failures = 0;
    } catch (error) {
      onPollFailed(error);
    } finally {
      for (const job of due) job.isPolling = false;
      if (isAccountDue) registry.account.isPolling = false;
    }
  }

  async function pollPages(remaining: Set<WatchedJob>, isAccountDue: boolean, span: SpanEvent | null) {
    const found = new Set<WatchedJob>();
    isReadingPages = true;
    try {
      await readPages(remaining, isAccountDue, found, span);
    } finally {
      isReadingPages = false;
      alignPolls(
        [...found].filter(({ requested }) => requested === null),
        pollIntervalMs,
      );
    }
  }

  /** The callers that wait for the next page: also the subscribers of jobs that have become due meanwhile. */
  function* callersOfPages(remaining: ReadonlySet<WatchedJob>, isAccountDue: boolean): Generator<Caller> {
    const now = clock.now();
    for (const job of registry.jobs.values()) {
      if (!job.isPolling && job.dueAt <= now) yield* callersOf(job.listeners);
    }
    yield* callersOfJobs(remaining, isAccountDue);
  }

  /**
   * Reads pages from the head of the list while that costs fewer calls. Deletes the jobs found from `remaining`, and adds all
   * watched ones to `found`.
   */
  async function readPages(
    remaining: Set<WatchedJob>,
    isAccountDue: boolean,
    found: Set<WatchedJob>,
    span: SpanEvent | null,
  ) {
    const minPages = isAccountDue ? (registry.account.isScanned ? 1 : FIRST_SCAN_PAGES) : 0;
    let [pagesRead, foundOnPage, after] = [0, 0, null as string | null];
    const isNextPageWorthReading = () => {
      if (pagesRead < minPages) return true;
      const positions = Array.from(remaining, ({ listPosition }) => listPosition);
      const progress = { pagesRead, found: foundOnPage, positions };
      return isListAvailable && pagesRead < MAX_PAGES && isPageWorthReading(progress);
    };
    while (isNextPageWorthReading()) {
      const claimant = pollClaimant(callersOfPages(remaining, isAccountDue), span);
      const page = await readPage(after, isAccountDue, contextFor(claimant, readContext));
      if (page === null) return;
      pagesRead++;
      foundOnPage = 0;
      for (const { value } of page.items) {
        const job = value && registry.jobs.get(value.id);
        if (!job) continue;
        found.add(job);
        if (remaining.delete(job) && job.listPosition === undefined) foundOnPage++;
        job.listPosition = pagesRead;
      }
      after = page.items.findLast(({ id }) => id !== null)?.id ?? null;
      if (!page.hasMore || after === null) break;
    }
    if (isAccountDue) registry.onListScanned();
  }

  /** Returns a page of the list; null when the upstream rejects the list or the page is invalid. */
  async function readPage(after: string | null, isAccountDue: boolean, pageContext: ReadContext) {
    try {
      const request = { limit: JOBS_PER_PAGE, after };
      return await store.refreshPage(access, request, { readContext: pageContext, cause: 'poll' });
    } catch (error) {
      const isInvalid = error instanceof UpstreamError && error.code === 'UPSTREAM_INVALID_RESPONSE';
      if (!isRejection(error) && !isInvalid) throw error;
      if (isRejection(error)) isListAvailable = false;
      if (isAccountDue && isRejection(error)) registry.endAccount(toError(error));
      if (isAccountDue)
        registry.account.requestPoll(clock.now() + nextPollAfterFailureIn(1, pollIntervalMs, Math.random()));
      return null;
    }
  }

  async function pollJob(job: WatchedJob, span: SpanEvent | null, cause: 'webhook' | 'poll' = 'poll') {
    try {
      const claimant = pollClaimant(callersOfJobs([job], false), span, cause);
      await store.refresh(access, job.id, { readContext: contextFor(claimant, readContext), cause });
    } catch (error) {
      if (isOutage(error) || isCredentialError(error)) throw error;
      if (!disposal.signal.aborted) registry.onPollFailed(job, error);
    } finally {
      job.isPolling = false;
    }
  }

  // Pauses all polls of the scope: an outage costs one call at a time, not one per job.
  function onPollFailed(error: unknown) {
    if (disposal.signal.aborted) return;
    reportPollFailure('jobs', isCredentialError(error) ? 'dropped' : 'retried', error);
    if (isCredentialError(error)) return registry.endAll(toError(error));
    failures++;
    const waitMs = nextPollAfterFailureIn(failures, pollIntervalMs, Math.random(), retryAfterOf(error));
    pausedUntil = clock.now() + waitMs;
  }

  return {
    schedule,
    dispose() {
      disposal.abort(new Error('The watch has ended.'));
      cancelTimer?.();
      cancelTimer = null;
    },
  };
}
