import type { Clock } from '../clock.ts';
import type { Access } from '../store/cache/scope.ts';
import type { JobSighting } from '../store/resources/job.ts';
import type { Store } from '../store/store.ts';
import type { StateOf } from './poll/change.ts';
import { createTail, type Tail } from './poll/event-tail.ts';
import { createLooks } from './poll/poller.ts';
import { type Board, createBoard } from './poll/watch-registry.ts';

export interface WatchOptions {
  store: Store;
  clock: Clock;
  /** What counts as the same state of a job: the published name of its status, which also decides how often it is looked at. */
  stateOf: StateOf;
  /** The shortest time between two looks at a job, in milliseconds. */
  pollIntervalMs: number;
}

/** All that is watched in one scope. */
export interface ScopeWatch {
  readonly board: Board;
  /** Jobs and logs that are watched. */
  readonly size: number;
  see(sighting: JobSighting): void;
  /** Joins those who read a job's log; `leave` has to be called in the end. */
  read(jobId: string): { tail: Tail; leave: () => void };
  dispose(): void;
}

export interface ScopeWatchOptions extends WatchOptions {
  access: Access;
  /** Called when nobody watches anything any more. */
  onIdle: () => void;
}

export function createScopeWatch({ onIdle, ...options }: ScopeWatchOptions): ScopeWatch {
  const tails = new Map<string, { tail: Tail; readers: number }>();
  const parts = { ...options, jobs: options.store.jobs };
  const isIdle = () => board.jobs.size === 0 && board.account.followers.size === 0 && tails.size === 0;
  const board = createBoard({ ...parts, onPlan: () => (isIdle() ? onIdle() : looks.plan()) });
  const looks = createLooks({ ...parts, board });

  function open(jobId: string) {
    const forget = () => {
      if (tails.get(jobId) === entry) tails.delete(jobId);
    };
    const entry = { tail: createTail({ ...options, board }, jobId, forget), readers: 0 };
    tails.set(jobId, entry);
    return entry;
  }

  return {
    board,
    get size() {
      return board.jobs.size + tails.size;
    },
    see(sighting) {
      board.see(sighting);
      looks.plan();
    },
    read(jobId) {
      const entry = tails.get(jobId) ?? open(jobId);
      entry.readers++;
      const leave = () => {
        if (--entry.readers > 0) return;
        if (tails.get(jobId) === entry) tails.delete(jobId);
        entry.tail.dispose();
      };
      return { tail: entry.tail, leave };
    },
    dispose() {
      looks.dispose();
      for (const { tail } of tails.values()) tail.dispose();
    },
  };
}
