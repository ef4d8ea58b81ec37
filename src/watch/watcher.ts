import type { Access } from '../store/cache/scope.ts';
import type { MetricsSeries } from '../upstream/metrics/metrics.ts';
import type { JobEvent } from '../upstream/resources/event.ts';
import type { Job } from '../upstream/resources/job.ts';
import type { JobChange } from './poll/change.ts';
import { createScopeWatch, type ScopeWatch, type WatcherOptions } from './scope-watch.ts';
import { type AddedItem, anyEvent, stepsAfter, streamEvents } from './streams/event-stream.ts';
import { streamJob, streamJobs } from './streams/job-stream.ts';
import type { EventStart } from './streams/log-reader.ts';

/** What can be followed in one scope. Each iterator of what these give is a subscriber of its own. */
export interface Feeds {
  /** A job's state and its changes. Throws NoSuchJob, or UpstreamError when the job cannot be looked at any more. */
  job(id: string): AsyncIterable<JobChange>;
  /** The changes of all jobs that match before or after them. Throws UpstreamError when they cannot be looked at any more. */
  jobs(matches: (job: Job) => boolean): AsyncIterable<JobChange>;
  /** A job's events. Throws as `job` does, and UnknownPlace. */
  events(jobId: string, start: EventStart): AsyncIterable<AddedItem<JobEvent>>;
  /** A job's loss curve, a series of one point for each step behind `sinceStep`, or from now on. Throws as `events` does. */
  metrics(jobId: string, sinceStep: number | null): AsyncIterable<AddedItem<MetricsSeries>>;
}

/** Turns what the store sees into changes, and looks at what somebody watches: nobody there, no looks. */
export interface Watcher {
  feeds(access: Access): Feeds;
  /** Something may have happened to this job: what is kept of it is out of date, and if somebody watches it, it is looked at. */
  hint(id: string): void;
  /** Jobs and logs that are watched now, in all scopes. */
  readonly size: number;
  dispose(): void;
}

export function createWatcher({ store, ...options }: WatcherOptions): Watcher {
  const scopes = new Map<string, ScopeWatch>();
  const stopListening = store.jobs.onObserved((sighting) => scopes.get(sighting.scope)?.onObserved(sighting));

  function scopeOf(access: Access): ScopeWatch {
    const { scope: name } = access;
    const known = scopes.get(name);
    if (known) return known;
    const scope = createScopeWatch({ access, store, ...options, onIdle: () => close(name, scope) });
    scopes.set(name, scope);
    return scope;
  }

  function close(name: string, scope: ScopeWatch) {
    scope.dispose();
    if (scopes.get(name) === scope) scopes.delete(name);
  }

  return {
    feeds(access) {
      const board = () => scopeOf(access).registry;
      const log = (jobId: string) => ({ access, store, jobId, join: () => scopeOf(access).readEvents(jobId) });
      return {
        job: (id) => streamJob(board, id),
        jobs: (matches) => streamJobs(board, matches),
        events: (jobId, start) => streamEvents({ ...log(jobId), start, select: anyEvent }),
        metrics(jobId, step) {
          const start: EventStart = step === null ? { kind: 'now' } : { kind: 'sinceStep', step };
          return streamEvents({ ...log(jobId), start, select: stepsAfter(step ?? Number.NEGATIVE_INFINITY) });
        },
      };
    },
    hint(id) {
      store.jobs.invalidation.markStale(id);
      for (const { registry } of scopes.values()) registry.requestPoll(id);
    },
    get size() {
      return [...scopes.values()].reduce((sum, { size }) => sum + size, 0);
    },
    dispose() {
      stopListening();
      for (const [name, scope] of scopes) close(name, scope);
    },
  };
}
