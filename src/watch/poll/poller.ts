import type { Clock } from '../../clock.ts';
import type { Access } from '../../store/cache/scope.ts';
import { createReadContext } from '../../store/cache/single-flight.ts';
import type { JobStore } from '../../store/resources/job.ts';
import { isOutage, isRejection, UpstreamError } from '../../upstream/errors/upstream-error.ts';
import { nextPollAfterFailureIn } from './cadence.ts';
import { isPageWorthReading } from './page-plan.ts';
import { isCredentialError, retryAfterOf, toError } from './watch-errors.ts';
import type { WatchRegistry } from './watch-registry.ts';
import type { WatchedJob } from './watched-job.ts';

/** Jobs on one page of the list. */
const JOBS_PER_PAGE = 100;
/** How far back jobs that move are looked for when somebody begins to follow all. */
const PAGES_OF_FIRST_SCAN = 10;
/** However many are watched, no look goes further back. */
const MAX_PAGES = 100;

export interface PollerOptions {
  access: Access;
  jobs: JobStore;
  clock: Clock;
  registry: WatchRegistry;
  pollIntervalMs: number;
}

/** Looks at what is watched in one scope, when it is due: whatever several share is one call. */
export interface Poller {
  /** Something may be due sooner than before. */
  schedule(): void;
  dispose(): void;
}

export function createPoller({ access, jobs: store, clock, registry, pollIntervalMs }: PollerOptions): Poller {
  const leaving = new AbortController();
  const readContext = createReadContext(leaving.signal);
  let cancelTimer: (() => void) | null = null;
  let isPlanned = false;
  let hasList = true;
  let failures = 0;
  let pausedUntil = Number.NEGATIVE_INFINITY;

  function setTimer() {
    isPlanned = false;
    cancelTimer?.();
    cancelTimer = null;
    if (leaving.signal.aborted) return;
    let dueAt = registry.account.isPolling ? Number.POSITIVE_INFINITY : registry.account.dueAt;
    for (const job of registry.jobs.values()) if (!job.isPolling) dueAt = Math.min(dueAt, job.dueAt);
    if (dueAt === Number.POSITIVE_INFINITY) return;
    cancelTimer = clock.after(Math.max(0, Math.max(dueAt, pausedUntil) - clock.now()), poll);
  }

  // Once for all that is watched, or seen, in one go.
  function schedule() {
    if (isPlanned) return;
    isPlanned = true;
    queueMicrotask(setTimer);
  }

  function poll() {
    const now = clock.now();
    const due = [...registry.jobs.values()].filter((job) => !job.isPolling && job.dueAt <= now);
    const isWholeAccount = !registry.account.isPolling && registry.account.dueAt <= now;
    if (due.length > 0 || isWholeAccount) void pollDue(due, isWholeAccount).finally(schedule);
    schedule();
  }

  async function pollDue(due: readonly WatchedJob[], isWholeAccount: boolean) {
    const isFirstAfterFailure = failures > 0;
    const causes = new Map(due.map((job) => [job, job.requested ?? 'poll'] as const));
    for (const job of due) {
      job.isPolling = true;
      job.polledAt = clock.now();
      job.requested = null;
    }
    if (isWholeAccount) registry.account.isPolling = true;
    try {
      // What a webhook told of is asked for alone, so that its answer shows no other cause.
      const unseen = new Set(due.filter((job) => causes.get(job) === 'poll'));
      await pollPages(unseen, isWholeAccount);
      const singles = due.filter((job) => unseen.has(job) || causes.get(job) === 'webhook');
      if (isFirstAfterFailure) for (const job of singles.splice(0, 1)) await lookAt(job, causes.get(job));
      await Promise.all(singles.map((job) => lookAt(job, causes.get(job))));
      failures = 0;
    } catch (error) {
      failed(error);
    } finally {
      for (const job of due) job.isPolling = false;
      if (isWholeAccount) registry.account.isPolling = false;
    }
  }

  /** Reads the list from its head for as long as that is the cheaper way. What it shows is taken from `unseen`. */
  async function pollPages(unseen: Set<WatchedJob>, isWholeAccount: boolean) {
    const least = isWholeAccount ? (registry.account.isScanned ? 1 : PAGES_OF_FIRST_SCAN) : 0;
    let [pagesRead, found, after] = [0, 0, null as string | null];
    const isWorthIt = () => {
      if (pagesRead < least) return true;
      const positions = Array.from(unseen, ({ listPosition }) => listPosition);
      return hasList && pagesRead < MAX_PAGES && isPageWorthReading({ pagesRead, found, positions });
    };
    while (isWorthIt()) {
      const page = await readPage(after, isWholeAccount);
      if (page === null) return;
      pagesRead++;
      found = 0;
      for (const { value } of page.items) {
        const job = value && registry.jobs.get(value.id);
        if (!job) continue;
        if (unseen.delete(job) && job.listPosition === undefined) found++;
        job.listPosition = pagesRead;
      }
      after = page.items.findLast(({ id }) => id !== null)?.id ?? null;
      if (!page.hasMore || after === null) break;
    }
    if (isWholeAccount) registry.onListScanned();
  }

  /** A page of the list; null when the server gives none: then each job is asked for. */
  async function readPage(after: string | null, isWholeAccount: boolean) {
    try {
      return await store.refreshPage(access, { limit: JOBS_PER_PAGE, after }, { readContext, cause: 'poll' });
    } catch (error) {
      const isUseless =
        isRejection(error) || (error instanceof UpstreamError && error.code === 'UPSTREAM_INVALID_RESPONSE');
      if (!isUseless) throw error;
      if (isRejection(error)) hasList = false;
      if (isWholeAccount && isRejection(error)) registry.account.end(toError(error));
      if (isWholeAccount)
        registry.account.requestPoll(clock.now() + nextPollAfterFailureIn(1, pollIntervalMs, Math.random()));
      return null;
    }
  }

  async function lookAt(job: WatchedJob, cause: 'webhook' | 'poll' = 'poll') {
    try {
      await store.refresh(access, job.id, { readContext, cause });
    } catch (error) {
      if (isOutage(error) || isCredentialError(error)) throw error;
      if (!leaving.signal.aborted) registry.onPollFailed(job, error);
    } finally {
      job.isPolling = false;
    }
  }

  // All that is due waits, so that an outage costs one look at a time, and not one for each job.
  function failed(error: unknown) {
    if (leaving.signal.aborted) return;
    if (isCredentialError(error)) return registry.endAll(toError(error));
    failures++;
    const waitMs = nextPollAfterFailureIn(failures, pollIntervalMs, Math.random(), retryAfterOf(error));
    pausedUntil = clock.now() + waitMs;
  }

  return {
    schedule,
    dispose() {
      leaving.abort(new Error('Nobody watches any more.'));
      cancelTimer?.();
      cancelTimer = null;
    },
  };
}
