import type { Clock } from '../clock.ts';
import type { Access } from '../store/cache/scope.ts';
import type { JobObserved } from '../store/resources/job.ts';
import type { Store } from '../store/store.ts';
import type { StateOf } from './poll/change.ts';
import { createEventTail, type EventTail } from './poll/event-tail.ts';
import { createPoller } from './poll/poller.ts';
import { createWatchRegistry, type WatchRegistry } from './poll/watch-registry.ts';

export interface WatcherOptions {
  store: Store;
  clock: Clock;
  /** What counts as the same state of a job: the published name of its status, which also decides how often it is looked at. */
  stateOf: StateOf;
  /** The shortest time between two looks at a job, in milliseconds. */
  pollIntervalMs: number;
}

/** All that is watched in one scope. */
export interface ScopeWatch {
  readonly registry: WatchRegistry;
  /** Jobs and logs that are watched. */
  readonly size: number;
  onObserved(sighting: JobObserved): void;
  /** Joins those who read a job's log; `leave` has to be called in the end. */
  readEvents(jobId: string): { tail: EventTail; leave: () => void };
  dispose(): void;
}

export interface ScopeWatchOptions extends WatcherOptions {
  access: Access;
  /** Called when nobody watches anything any more. */
  onIdle: () => void;
}

export function createScopeWatch({ onIdle, ...options }: ScopeWatchOptions): ScopeWatch {
  const tails = new Map<string, { tail: EventTail; readers: number }>();
  const parts = { ...options, jobs: options.store.jobs };
  const isIdle = () => registry.jobs.size === 0 && registry.account.listeners.size === 0 && tails.size === 0;
  const registry = createWatchRegistry({ ...parts, onScheduleChange: () => (isIdle() ? onIdle() : poller.schedule()) });
  const poller = createPoller({ ...parts, registry });

  function open(jobId: string) {
    const forget = () => {
      if (tails.get(jobId) === entry) tails.delete(jobId);
    };
    const entry = { tail: createEventTail({ ...options, registry }, jobId, forget), readers: 0 };
    tails.set(jobId, entry);
    return entry;
  }

  return {
    registry,
    get size() {
      return registry.jobs.size + tails.size;
    },
    onObserved(sighting) {
      registry.onObserved(sighting);
      poller.schedule();
    },
    readEvents(jobId) {
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
      poller.dispose();
      for (const { tail } of tails.values()) tail.dispose();
    },
  };
}
