import type { Clock } from '../../clock.ts';
import type { Access } from '../../store/cache/scope.ts';
import { createCaller } from '../../store/cache/single-flight.ts';
import type { EventLog } from '../../store/resources/event-log.ts';
import type { Store } from '../../store/store.ts';
import type { Job } from '../../upstream/resources/job.ts';
import { nextLookAfterFailureIn, nextLookIn } from './cadence.ts';
import type { StateOf } from './change.ts';
import { isAbsence, isFinal, retryAfterOf, toError } from './watch-errors.ts';
import type { Board } from './watch-registry.ts';

export interface TailOptions {
  access: Access;
  store: Store;
  clock: Clock;
  board: Board;
  stateOf: StateOf;
  pollIntervalMs: number;
}

/** The growing end of a job's log: looked at for all its readers together, each of whom reads on from its own place. */
export interface Tail {
  /** The job, by its last sight; undefined before the first. */
  readonly job: Job | undefined;
  /** Counts what has come: looks, and the end. */
  readonly version: number;
  /** Whether nothing comes any more. */
  readonly isOver: boolean;
  /** Resolves when the version is another one, or the signal is aborted. Rejects when the log cannot be read any more. */
  news(version: number, signal: AbortSignal): Promise<void>;
  /** Looks at once, and resolves when a look has ended that began from now on. Rejects as `news` does. */
  lookAgain(signal: AbortSignal): Promise<void>;
  dispose(): void;
}

/** `onEnd` is called when the log cannot be read any more. */
export function createTail(options: TailOptions, jobId: string, onEnd: () => void): Tail {
  const { access, store, clock, board, stateOf, pollIntervalMs } = options;
  const leaving = new AbortController();
  const caller = createCaller(leaving.signal);
  const release = store.events.hold(access, jobId);
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
    const { quietAt } = store.jobs.end(access, jobId);
    const now = clock.now();
    const waitMs = nextLookIn(job ? stateOf(job) : '', now - newsAt, pollIntervalMs);
    return quietAt > now ? Math.min(waitMs, quietAt - now) : waitMs;
  }

  async function look() {
    if (isLooking) return;
    isLooking = true;
    isWanted = false;
    const before = store.events.lastLog(access, jobId);
    try {
      learn(before, await store.events.look(access, jobId, caller));
      lookIn(isWanted ? 0 : untilNextLook());
    } catch (reason) {
      if (isAbsence(reason)) await lookAtJob();
      if (leaving.signal.aborted || error) return;
      if (isFinal(reason)) return fail(toError(reason));
      lookIn(nextLookAfterFailureIn(++failures, pollIntervalMs, Math.random(), retryAfterOf(reason)));
    } finally {
      isLooking = false;
    }
  }

  /** Whether the job is there, its own endpoint says: when it is not, the board tells that this is the end. */
  async function lookAtJob() {
    await store.jobs.look(access, jobId, { caller, cause: 'poll' }).catch(() => null);
  }

  function learn(before: EventLog | undefined, log: EventLog) {
    failures = 0;
    if (log.head.items !== before?.head.items) newsAt = clock.now();
    isOver = log.closedAt !== null || log.beganAt >= store.jobs.end(access, jobId).quietAt;
    wake();
  }

  async function news(known: number, signal: AbortSignal) {
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

  const followed = board.follow(jobId, {
    tell(change) {
      job = change.job;
      newsAt = clock.now();
      lookIn(0);
    },
    end: fail,
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
    get isOver() {
      return isOver;
    },
    news,
    async lookAgain(signal) {
      const looks = isLooking ? 2 : 1;
      isWanted = true;
      lookIn(0);
      for (let look = 0; look < looks; look++) await news(version, signal);
    },
    dispose() {
      leaving.abort(new Error('Nobody reads any more.'));
      cancelTimer?.();
      followed.leave();
      release();
    },
  };
}
