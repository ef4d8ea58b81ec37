import type { Clock } from '../../clock.ts';
import type { Access } from '../../store/cache/scope.ts';
import { createCaller } from '../../store/cache/single-flight.ts';
import type { JobStore } from '../../store/resources/job.ts';
import { isOutage, isRefusal, UpstreamError } from '../../upstream/errors/upstream-error.ts';
import { nextLookAfterFailureIn } from './cadence.ts';
import { isPageWorthReading } from './page-plan.ts';
import { isAboutCredential, retryAfterOf, toError } from './watch-errors.ts';
import type { Board } from './watch-registry.ts';
import type { WatchedJob } from './watched-job.ts';

/** Jobs on one page of the list. */
const JOBS_PER_PAGE = 100;
/** How far back jobs that move are looked for when somebody begins to follow all. */
const PAGES_OF_FIRST_SCAN = 10;
/** However many are watched, no look goes further back. */
const MAX_PAGES = 100;

export interface LooksOptions {
  access: Access;
  jobs: JobStore;
  clock: Clock;
  board: Board;
  pollIntervalMs: number;
}

/** Looks at what is watched in one scope, when it is due: whatever several share is one call. */
export interface Looks {
  /** Something may be due sooner than before. */
  plan(): void;
  dispose(): void;
}

export function createLooks({ access, jobs: store, clock, board, pollIntervalMs }: LooksOptions): Looks {
  const leaving = new AbortController();
  const caller = createCaller(leaving.signal);
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
    let dueAt = board.account.isUnderWay ? Number.POSITIVE_INFINITY : board.account.dueAt;
    for (const job of board.jobs.values()) if (!job.isUnderWay) dueAt = Math.min(dueAt, job.dueAt);
    if (dueAt === Number.POSITIVE_INFINITY) return;
    cancelTimer = clock.after(Math.max(0, Math.max(dueAt, pausedUntil) - clock.now()), look);
  }

  // Once for all that is watched, or seen, in one go.
  function plan() {
    if (isPlanned) return;
    isPlanned = true;
    queueMicrotask(setTimer);
  }

  function look() {
    const now = clock.now();
    const due = [...board.jobs.values()].filter((job) => !job.isUnderWay && job.dueAt <= now);
    const isWholeAccount = !board.account.isUnderWay && board.account.dueAt <= now;
    if (due.length > 0 || isWholeAccount) void round(due, isWholeAccount).finally(plan);
    plan();
  }

  async function round(due: readonly WatchedJob[], isWholeAccount: boolean) {
    const isFirstAfterFailure = failures > 0;
    const causes = new Map(due.map((job) => [job, job.wanted ?? 'poll'] as const));
    for (const job of due) Object.assign(job, { isUnderWay: true, lookedAt: clock.now(), wanted: null });
    if (isWholeAccount) board.account.isUnderWay = true;
    try {
      // What a webhook told of is asked for alone, so that its answer shows no other cause.
      const unseen = new Set(due.filter((job) => causes.get(job) === 'poll'));
      await lookAtPages(unseen, isWholeAccount);
      const singles = due.filter((job) => unseen.has(job) || causes.get(job) === 'webhook');
      if (isFirstAfterFailure) for (const job of singles.splice(0, 1)) await lookAt(job, causes.get(job));
      await Promise.all(singles.map((job) => lookAt(job, causes.get(job))));
      failures = 0;
    } catch (error) {
      failed(error);
    } finally {
      for (const job of due) job.isUnderWay = false;
      if (isWholeAccount) board.account.isUnderWay = false;
    }
  }

  /** Reads the list from its head for as long as that is the cheaper way. What it shows is taken from `unseen`. */
  async function lookAtPages(unseen: Set<WatchedJob>, isWholeAccount: boolean) {
    const least = isWholeAccount ? (board.account.isScanned ? 1 : PAGES_OF_FIRST_SCAN) : 0;
    let [pagesRead, found, after] = [0, 0, null as string | null];
    const isWorthIt = () => {
      if (pagesRead < least) return true;
      const places = Array.from(unseen, ({ place }) => place);
      return hasList && pagesRead < MAX_PAGES && isPageWorthReading({ pagesRead, found, places });
    };
    while (isWorthIt()) {
      const page = await readPage(after, isWholeAccount);
      if (page === null) return;
      pagesRead++;
      found = 0;
      for (const { value } of page.items) {
        const job = value && board.jobs.get(value.id);
        if (!job) continue;
        if (unseen.delete(job) && job.place === undefined) found++;
        job.place = pagesRead;
      }
      after = page.items.findLast(({ id }) => id !== null)?.id ?? null;
      if (!page.hasMore || after === null) break;
    }
    if (isWholeAccount) board.scanned();
  }

  /** A page of the list; null when the server gives none: then each job is asked for. */
  async function readPage(after: string | null, isWholeAccount: boolean) {
    try {
      return await store.lookAtPage(access, { limit: JOBS_PER_PAGE, after }, { caller, cause: 'poll' });
    } catch (error) {
      const isUseless =
        isRefusal(error) || (error instanceof UpstreamError && error.code === 'UPSTREAM_INVALID_RESPONSE');
      if (!isUseless) throw error;
      if (isRefusal(error)) hasList = false;
      if (isWholeAccount && isRefusal(error)) board.account.end(toError(error));
      if (isWholeAccount) board.account.lookAt(clock.now() + nextLookAfterFailureIn(1, pollIntervalMs, Math.random()));
      return null;
    }
  }

  async function lookAt(job: WatchedJob, cause: 'webhook' | 'poll' = 'poll') {
    try {
      await store.look(access, job.id, { caller, cause });
    } catch (error) {
      if (isOutage(error) || isAboutCredential(error)) throw error;
      if (!leaving.signal.aborted) board.fail(job, error);
    } finally {
      job.isUnderWay = false;
    }
  }

  // All that is due waits, so that an outage costs one look at a time, and not one for each job.
  function failed(error: unknown) {
    if (leaving.signal.aborted) return;
    if (isAboutCredential(error)) return board.endAll(toError(error));
    failures++;
    const waitMs = nextLookAfterFailureIn(failures, pollIntervalMs, Math.random(), retryAfterOf(error));
    pausedUntil = clock.now() + waitMs;
  }

  return {
    plan,
    dispose() {
      leaving.abort(new Error('Nobody watches any more.'));
      cancelTimer?.();
      cancelTimer = null;
    },
  };
}
