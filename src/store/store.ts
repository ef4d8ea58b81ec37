import type { Clock } from '../clock.ts';
import type { Upstream } from '../upstream/upstream.ts';
import type { FreshnessLimits } from './cache/freshness.ts';
import { createMemoryCache } from './cache/memory-cache.ts';
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

/** What the gateway knows now: reads are shared while under way and kept while fresh, each within its scope. */
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
  /** As what this id was last seen, if it was seen at all. */
  kindOf(access: Access, id: string): 'job' | 'file' | 'model' | undefined;
  /** Bytes that everything kept takes now. */
  readonly bytes: number;
}

export interface StoreOptions extends FreshnessLimits {
  upstream: Upstream;
  clock: Clock;
  /** Most memory that kept values may take, in bytes. */
  maxBytes: number;
}

export function createStore({ upstream, clock: wallClock, maxBytes, ...limits }: StoreOptions): Store {
  const clock = createSequenceClock(wallClock);
  const memoryCache = createMemoryCache(maxBytes);
  const keeps = limits.activeMs > 0 || limits.settledMs > 0;
  const partition = <T extends object>(noun: string) => (keeps ? memoryCache.partition<T>(noun) : null);
  const options = { upstream, clock, limits, partition, maxBytes };
  const jobs = createJobStore(options);
  const events = createEventStore(options, jobs);
  const contents = createContentStore(options);
  const trainingReports = createTrainingReportStore(options);
  const files = createFileStore(options, jobs, [contents, trainingReports]);
  const models = createModelStore(options, jobs);
  return {
    jobs,
    events,
    checkpoints: createCheckpointStore(options, jobs),
    files,
    contents,
    trainingReports,
    metrics: createMetricsStore(jobs, events, contents),
    models,
    permissions: createPermissionStore(options, jobs),
    kindOf(access, id) {
      if (jobs.lastObservation(access, id)?.value) return 'job';
      if (files.has(access, id)) return 'file';
      return models.has(access, id) ? 'model' : undefined;
    },
    get bytes() {
      return memoryCache.bytes;
    },
  };
}
