import { createMemoryWatch } from '../state/memory/watch.ts';
import type { WatchState } from '../state/watch-state.ts';
import type { Access } from '../store/cache/scope.ts';
import type { JobObserved } from '../store/resources/job.ts';
import type { MetricsSeries } from '../upstream/metrics/metrics.ts';
import type { Claimant } from '../upstream/resilience/call-claims.ts';
import type { JobEvent } from '../upstream/resources/event.ts';
import type { Job } from '../upstream/resources/job.ts';
import type { JobChange } from './poll/change.ts';
import type { ProgressObservation } from './poll/followed-job.ts';
import { createScopeWatch, type ScopeWatch, type WatcherOptions } from './scope-watch.ts';
import { type Added, anyEvent, stepsAfter, streamEvents } from './streams/event-stream.ts';
import { streamJob, streamJobs } from './streams/job-stream.ts';
import type { EventStart } from './streams/log-reader.ts';
import { streamAllProgress, streamProgress } from './streams/progress-stream.ts';

/** Live data of one scope. Each iterator is a subscriber. */
export interface Feeds {
  /** A job's snapshot and changes. Throws JobNotFound, or UpstreamError when polls fail permanently. */
  job(id: string): AsyncIterable<JobChange>;
  /** Snapshots and changes of all jobs that match before or after the change. Throws UpstreamError. */
  jobs(matches: (job: Job) => boolean): AsyncIterable<JobChange>;
  /** A job's present progress and its moves; done when it has ended. Throws as `job` does. */
  progress(jobId: string): AsyncIterable<ProgressObservation>;
  /** The same for all jobs that match and have not ended. Throws UpstreamError. */
  allProgress(matches: (job: Job) => boolean): AsyncIterable<ProgressObservation>;
  /** A job's events after `start`. Throws as `job` does, and UnknownCursor. */
  events(jobId: string, start: EventStart): AsyncIterable<Added<JobEvent>>;
  /** A job's metrics, one step per series, after `sinceStep`, or from now on. Throws as `events` does. */
  metrics(jobId: string, sinceStep: number | null): AsyncIterable<Added<MetricsSeries>>;
}

/** Turns the store's observations into changes, and polls jobs and event logs while they have subscribers. */
export interface Watcher {
  /** Returns the live data for a subscriber. Polls take the turns of all their subscribers. */
  feeds(access: Access, claimant: Claimant): Feeds;
  /** Handles a hint that a job may have changed: marks it as stale in all scopes, and polls it where it is watched. */
  hint(id: string): void;
  /** Number of watched jobs and event logs in all scopes. */
  readonly size: number;
  dispose(): void;
}

/** `watchState` is that of one process by default. */
export function createWatcher({
  store,
  watchState = createMemoryWatch(),
  ...options
}: Omit<WatcherOptions, 'watchState'> & { watchState?: WatchState }): Watcher {
  const scopes = new Map<string, ScopeWatch>();
  const listener = (observed: JobObserved) => {
    try {
      if (watchState.isShared && observed.cause === 'mutation') watchState.hint(observed.id, observed.scope);
      scopes.get(observed.scope)?.onObserved(observed);
    } catch (error) {
      options.onListenerError(error);
    }
  };
  // While no scope is watched, observations cost nothing in one process. Mutations concern subscribers of other replicas.
  let unsubscribe: (() => void) | null = watchState.isShared ? store.jobs.onObserved(listener) : null;
  const stopHints = watchState.onHint(pollOnDuty);

  /** Polls a job where this replica has the polls: in all scopes after a webhook, in one after a mutation. */
  function pollOnDuty(id: string, scope: string | null) {
    for (const [name, { registry, isOnDuty }] of scopes) {
      if (isOnDuty && (scope === null || scope === name)) registry.requestPoll(id, scope === null ? 'webhook' : 'poll');
    }
  }

  function getScope(access: Access): ScopeWatch {
    const { scope: name } = access;
    const existing = scopes.get(name);
    if (existing) return existing;
    const scope = createScopeWatch({ access, store, watchState, ...options, onIdle: () => close(name, scope) });
    scopes.set(name, scope);
    unsubscribe ??= store.jobs.onObserved(listener);
    return scope;
  }

  function close(name: string, scope: ScopeWatch) {
    scope.dispose();
    if (scopes.get(name) === scope) scopes.delete(name);
    if (scopes.size === 0 && !watchState.isShared) stopListening();
  }

  function stopListening() {
    unsubscribe?.();
    unsubscribe = null;
  }

  return {
    feeds(access, claimant) {
      const getRegistry = () => getScope(access).registry;
      const { callers } = claimant;
      const logOf = (jobId: string) => ({
        access,
        store,
        jobId,
        claimant,
        openTail: () => getScope(access).openTail(jobId, claimant),
      });
      return {
        job: (id) => streamJob(getRegistry, id, callers),
        jobs: (matches) => streamJobs(getRegistry, matches, callers),
        progress: (jobId) => streamProgress(() => getScope(access).progress, jobId, callers),
        allProgress: (matches) => streamAllProgress(() => getScope(access).progress, matches, callers),
        events: (jobId, start) => streamEvents({ ...logOf(jobId), start, select: anyEvent }),
        metrics(jobId, step) {
          const start: EventStart = step === null ? { kind: 'now' } : { kind: 'sinceStep', step };
          return streamEvents({ ...logOf(jobId), start, select: stepsAfter(step ?? Number.NEGATIVE_INFINITY) });
        },
      };
    },
    hint(id) {
      store.jobs.invalidation.markStaleEverywhere(id);
      watchState.hint(id, null);
      pollOnDuty(id, null);
    },
    get size() {
      return [...scopes.values()].reduce((sum, { size }) => sum + size, 0);
    },
    dispose() {
      stopHints();
      stopListening();
      for (const [name, scope] of scopes) close(name, scope);
    },
  };
}
