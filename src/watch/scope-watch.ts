import type { Clock } from '../clock.ts';
import type { Access } from '../store/cache/scope.ts';
import type { JobObserved } from '../store/resources/job.ts';
import type { Store } from '../store/store.ts';
import type { CallAccount, Caller, Claimant } from '../upstream/resilience/call-claims.ts';
import type { StateOf } from './poll/change.ts';
import { callersOf } from './poll/claimants.ts';
import { createEventTail, type EventTail } from './poll/event-tail.ts';
import { createPoller } from './poll/poller.ts';
import { createProgressReader, type ProgressReader } from './poll/progress-reader.ts';
import { createWatchRegistry, type WatchRegistry } from './poll/watch-registry.ts';

export interface WatcherOptions {
  store: Store;
  clock: Clock;
  /** Returns the published name of a job's status, which also decides its poll interval. */
  stateOf: StateOf;
  /** Minimum milliseconds between two polls of a job. */
  pollIntervalMs: number;
  /** Called with what a listener throws. It reaches no reader: listeners run while the store records a read. */
  onListenerError: (error: unknown) => void;
}

/** All watches of one scope. */
export interface ScopeWatch {
  readonly registry: WatchRegistry;
  readonly progress: ProgressReader;
  /** Number of watched jobs and event logs. */
  readonly size: number;
  onObserved(observed: JobObserved): void;
  /** Returns the shared tail of a job's event log. The caller must call `close` once. A new tail charges its first poll. */
  openTail(jobId: string, claimant: Claimant): { tail: EventTail; close: () => void };
  dispose(): void;
}

/** A reader of an event log. */
interface TailReader {
  readonly callers: Iterable<Caller>;
}

export interface ScopeWatchOptions extends WatcherOptions {
  access: Access;
  /** Called when no watch is left. */
  onIdle: () => void;
}

export function createScopeWatch({ onIdle, ...options }: ScopeWatchOptions): ScopeWatch {
  const tails = new Map<string, { tail: EventTail; readers: Set<TailReader> }>();
  const pollOptions = { ...options, jobs: options.store.jobs };
  const isIdle = () => registry.jobs.size === 0 && registry.account.listeners.size === 0 && tails.size === 0;
  const onScheduleChange = () => (isIdle() ? onIdle() : poller.schedule());
  const registry = createWatchRegistry({ ...pollOptions, onScheduleChange });
  const poller = createPoller({ ...pollOptions, registry });
  const progress = createProgressReader({ ...options, registry });

  function addTail(jobId: string, account: CallAccount | undefined) {
    const remove = () => {
      if (tails.get(jobId) === entry) tails.delete(jobId);
    };
    const readers = new Set<TailReader>();
    const callers = callersOf(readers);
    const entry = { tail: createEventTail({ ...options, registry, callers, account }, jobId, remove), readers };
    tails.set(jobId, entry);
    return entry;
  }

  return {
    registry,
    progress,
    get size() {
      return registry.jobs.size + tails.size + progress.size;
    },
    onObserved(observed) {
      registry.onObserved(observed);
      if (observed.accepted.value) progress.onObserved(observed.accepted.value);
      poller.schedule();
    },
    openTail(jobId, { callers, account }) {
      const entry = tails.get(jobId) ?? addTail(jobId, account);
      const reader = { callers };
      entry.readers.add(reader);
      const close = () => {
        entry.readers.delete(reader);
        if (entry.readers.size > 0) return;
        if (tails.get(jobId) === entry) tails.delete(jobId);
        entry.tail.dispose();
      };
      return { tail: entry.tail, close };
    },
    dispose() {
      poller.dispose();
      progress.dispose();
      for (const { tail } of tails.values()) tail.dispose();
    },
  };
}
