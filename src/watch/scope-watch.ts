import type { Clock } from '../clock.ts';
import type { WatchState } from '../state/watch-state.ts';
import type { Access } from '../store/cache/scope.ts';
import type { JobObserved } from '../store/resources/job.ts';
import { readSharedPage } from '../store/resources/shared-page.ts';
import type { Store } from '../store/store.ts';
import type { Claimant } from '../upstream/resilience/call-claims.ts';
import type { StateOf } from './poll/change.ts';
import { createEventTails, type OpenTail } from './poll/event-tails.ts';
import { createPoller } from './poll/poller.ts';
import { createProgressReader, type ProgressReader } from './poll/progress-reader.ts';
import type { WatchRegistry } from './poll/registry-types.ts';
import { createWatchRegistry } from './poll/watch-registry.ts';
import { createSharedJobs, type LogReaders } from './shared/shared-jobs.ts';

export interface WatcherOptions {
  store: Store;
  clock: Clock;
  /** Returns the published name of a job's status, which also decides its poll interval. */
  stateOf: StateOf;
  /** Minimum milliseconds between two polls of a job. */
  pollIntervalMs: number;
  /** The state of watched jobs that replicas share. */
  watchState: WatchState;
  /** Called with what a listener throws. It reaches no reader: listeners run while the store records a read. */
  onListenerError: (error: unknown) => void;
}

/** All watches of one scope. */
export interface ScopeWatch {
  readonly registry: WatchRegistry;
  readonly progress: ProgressReader;
  /** Whether this replica polls the jobs of the scope. */
  readonly isOnDuty: boolean;
  /** Number of watched jobs and event logs. */
  readonly size: number;
  onObserved(observed: JobObserved): void;
  /** Returns the shared tail of a job's event log. The caller must call `close` once. A new tail charges its first poll. */
  openTail(jobId: string, claimant: Claimant): OpenTail;
  dispose(): void;
}

export interface ScopeWatchOptions extends WatcherOptions {
  access: Access;
  /** Called when no watch is left. */
  onIdle: () => void;
}

export function createScopeWatch({ onIdle, ...options }: ScopeWatchOptions): ScopeWatch {
  const pollOptions = { ...options, jobs: options.store.jobs };
  let isDisposed = false;
  // A replica without subscribers polls for no others.
  const isIdle = () => !isDisposed && !shared.hasOwnInterest;
  const onScheduleChange = () => (isIdle() ? onIdle() : poller.schedule());
  const readers: LogReaders = {
    follow: (kind, jobId, onEnd) =>
      kind === 'events'
        ? tails.openRemote(jobId, onEnd)
        : progress.watch(jobId, { callers: [], isRemote: true, onProgress() {}, onEnd }),
    receive({ jobId, page: text, isClosed }) {
      const tail = tails.get(jobId);
      if (tail === undefined && !progress.has(jobId)) return; // Others of the scope follow it.
      if (text === null) return tail?.pollHere(); // Later events move the progress.
      const page = readSharedPage(text);
      tail?.receive(page, isClosed);
      progress.receive(jobId, page);
    },
    takePolls: (jobId) => tails.get(jobId)?.takePolls(),
    readHere() {
      for (const tail of tails.all()) tail.pollHere();
      progress.readHere();
    },
    onDuty() {
      for (const tail of tails.all()) tail.onDuty();
      progress.onDuty();
    },
  };
  const shared = createSharedJobs({
    ...pollOptions,
    getRegistry: () => registry,
    deliver,
    readers,
    onNoInterest: () => isIdle() && onIdle(),
  });
  const { sharing, logs } = shared;
  const registry = createWatchRegistry({ ...pollOptions, sharing, onScheduleChange });
  const poller = createPoller({ ...pollOptions, registry, sharing });
  const tails = createEventTails({ ...options, registry, logs });
  const progress = createProgressReader({ ...options, registry, logs });

  function deliver(observed: JobObserved) {
    registry.onObserved(observed);
    if (observed.accepted.value) progress.onObserved(observed.accepted.value);
    poller.schedule();
  }

  return {
    registry,
    progress,
    get isOnDuty() {
      return sharing.isOnDuty;
    },
    get size() {
      return registry.jobs.size + tails.size + progress.size;
    },
    onObserved: shared.observe,
    openTail: tails.open,
    dispose() {
      isDisposed = true;
      shared.dispose();
      poller.dispose();
      progress.dispose();
      tails.dispose();
    },
  };
}
