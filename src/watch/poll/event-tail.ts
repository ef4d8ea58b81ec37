import type { Clock } from '../../clock.ts';
import type { Access } from '../../store/cache/scope.ts';
import { createReadContext } from '../../store/cache/single-flight.ts';
import type { EventLog } from '../../store/resources/event-log.ts';
import type { Store } from '../../store/store.ts';
import type { Job } from '../../upstream/resources/job.ts';
import { nextPollAfterFailureIn, nextPollIn } from './cadence.ts';
import type { StateOf } from './change.ts';
import { isNotFound, isPermanent, retryAfterOf, toError } from './watch-errors.ts';
import type { WatchRegistry } from './watch-registry.ts';

export interface EventTailOptions {
  access: Access;
  store: Store;
  clock: Clock;
  registry: WatchRegistry;
  stateOf: StateOf;
  pollIntervalMs: number;
}

/** The growing end of a job's log: looked at for all its readers together, each of whom reads on from its own place. */
export interface EventTail {
  /** The job, by its last sight; undefined before the first. */
  readonly job: Job | undefined;
  /** Counts what has come: looks, and the end. */
  readonly version: number;
  /** Whether nothing comes any more. */
  readonly isClosed: boolean;
  /** Resolves when the version is another one, or the signal is aborted. Rejects when the log cannot be read any more. */
  waitForUpdate(version: number, signal: AbortSignal): Promise<void>;
  /** Looks at once, and resolves when a look has ended that began from now on. Rejects as `news` does. */
  pollNow(signal: AbortSignal): Promise<void>;
  dispose(): void;
}

/** `onEnd` is called when the log cannot be read any more. */
export function createEventTail(options: EventTailOptions, jobId: string, onEnd: () => void): EventTail {
  const { access, store, clock, registry, stateOf, pollIntervalMs } = options;
  const leaving = new AbortController();
  const readContext = createReadContext(leaving.signal);
  const release = store.events.pin(access, jobId);
  const waiting = new Set<PromiseWithResolvers<void>>();
  let job: Job | undefined;
  let version = 0;
  let isOver = false;
  let error: Error | undefined;
  let failures = 0;
  let newsAt = clock.now();
  let isLooking = false;
  let isWanted = false;
  let cancelTimer: (() => void) | null = null;

  function wake() {
    version++;
    for (const { resolve } of waiting) resolve();
    waiting.clear();
  }

  function fail(reason: Error) {
    error = reason;
    for (const { reject } of waiting) reject(reason);
    waiting.clear();
    onEnd();
  }

  function lookIn(ms: number) {
    cancelTimer?.();
    cancelTimer = isOver || error || leaving.signal.aborted ? null : clock.after(ms, () => void look());
  }

  /** The last events come after the job's end: it is looked at once more when nothing can be missing. */
  function untilNextLook(): number {
    const { settledAt } = store.jobs.invalidation.end(access, jobId);
    const now = clock.now();
    const waitMs = nextPollIn(job ? stateOf(job) : '', now - newsAt, pollIntervalMs);
    return settledAt > now ? Math.min(waitMs, settledAt - now) : waitMs;
  }

  async function look() {
    if (isLooking) return;
    isLooking = true;
    isWanted = false;
    const before = store.events.lastLog(access, jobId);
    try {
      learn(before, await store.events.refresh(access, jobId, readContext));
      lookIn(isWanted ? 0 : untilNextLook());
    } catch (reason) {
      if (isNotFound(reason)) await lookAtJob();
      if (leaving.signal.aborted || error) return;
      if (isPermanent(reason)) return fail(toError(reason));
      lookIn(nextPollAfterFailureIn(++failures, pollIntervalMs, Math.random(), retryAfterOf(reason)));
    } finally {
      isLooking = false;
    }
  }

  /** Whether the job is there, its own endpoint says: when it is not, the board tells that this is the end. */
  async function lookAtJob() {
    await store.jobs.refresh(access, jobId, { readContext, cause: 'poll' }).catch(() => null);
  }

  function learn(before: EventLog | undefined, log: EventLog) {
    failures = 0;
    if (log.head.items !== before?.head.items) newsAt = clock.now();
    isOver = log.closedAt !== null || log.requestedAt >= store.jobs.invalidation.end(access, jobId).settledAt;
    wake();
  }

  async function waitForUpdate(known: number, signal: AbortSignal) {
    if (error) throw error;
    if (version !== known || signal.aborted) return;
    const waiter = Promise.withResolvers<void>();
    const leave = () => {
      waiting.delete(waiter);
      waiter.resolve();
    };
    waiting.add(waiter);
    signal.addEventListener('abort', leave);
    try {
      await waiter.promise;
    } finally {
      signal.removeEventListener('abort', leave);
    }
  }

  const followed = registry.follow(jobId, {
    onChange(change) {
      job = change.job;
      newsAt = clock.now();
      lookIn(0);
    },
    onEnd: fail,
  });
  if (followed.current) {
    job = followed.current.job;
    lookIn(0);
  }

  return {
    get job() {
      return job;
    },
    get version() {
      return version;
    },
    get isClosed() {
      return isOver;
    },
    waitForUpdate,
    async pollNow(signal) {
      const looks = isLooking ? 2 : 1;
      isWanted = true;
      lookIn(0);
      for (let look = 0; look < looks; look++) await waitForUpdate(version, signal);
    },
    dispose() {
      leaving.abort(new Error('Nobody reads any more.'));
      cancelTimer?.();
      followed.leave();
      release();
    },
  };
}
