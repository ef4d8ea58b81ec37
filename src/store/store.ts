import type { Clock } from '../clock.ts';
import type { MemoryCache } from '../memory-cache.ts';
import type { Upstream } from '../upstream/upstream.ts';
import type { FreshnessLimits } from './cache/freshness.ts';
import type { Access } from './cache/scope.ts';
import { createSequenceClock } from './cache/sequence-clock.ts';
import { type CheckpointStore, createCheckpointStore } from './resources/checkpoint.ts';
import { type ContentStore, createContentStore } from './resources/content.ts';
import { createEventStore, type EventStore } from './resources/event.ts';
import { createFileStore, type FileStore } from './resources/file.ts';
import { createJobStore, type JobStore } from './resources/job.ts';
import { createMetricsStore, type MetricsStore } from './resources/metrics.ts';
import { createModelStore, type ModelStore } from './resources/model.ts';
import { createPermissionStore, type PermissionStore } from './resources/permission.ts';
import { createTrainingReportStore, type TrainingReportStore } from './resources/training-report.ts';

/** Cached, shared reads of the upstream: one store per resource, partitioned by scope. */
export interface Store {
  readonly jobs: JobStore;
  readonly events: EventStore;
  readonly checkpoints: CheckpointStore;
  readonly files: FileStore;
  readonly contents: ContentStore;
  readonly trainingReports: TrainingReportStore;
  readonly metrics: MetricsStore;
  readonly models: ModelStore;
  readonly permissions: PermissionStore;
  /** Returns the kind of resource that is cached under this id, fresh or stale. */
  kindOf(access: Access, id: string): 'job' | 'file' | 'model' | undefined;
  /** Marks everything as stale that was read before, in all scopes. */
  markEverythingStale(): void;
}

export interface StoreOptions extends FreshnessLimits {
  upstream: Upstream;
  clock: Clock;
  memoryCache: MemoryCache;
}

export function createStore({ upstream, clock: wallClock, memoryCache, ...limits }: StoreOptions): Store {
  const clock = createSequenceClock(wallClock);
  const isCachingEnabled = limits.activeMs > 0 || limits.settledMs > 0;
  const partition = <T extends object>(name: string) => (isCachingEnabled ? memoryCache.partition<T>(name) : null);
  const options = { upstream, clock, limits, partition, maxBytes: memoryCache.maxBytes };
  const jobs = createJobStore(options);
  const { invalidation } = jobs;
  const events = createEventStore(options, invalidation);
  const contents = createContentStore(options);
  const trainingReports = createTrainingReportStore(options);
  const files = createFileStore(options, invalidation, [contents, trainingReports]);
  const models = createModelStore(options, invalidation);
  return {
    jobs,
    events,
    checkpoints: createCheckpointStore(options, invalidation),
    files,
    contents,
    trainingReports,
    metrics: createMetricsStore(invalidation, events, contents),
    models,
    permissions: createPermissionStore(options, invalidation),
    kindOf(access, id) {
      if (jobs.lastObservation(access, id)?.value) return 'job';
      if (files.has(access, id)) return 'file';
      return models.has(access, id) ? 'model' : undefined;
    },
    markEverythingStale: clock.raiseFloor,
  };
}
