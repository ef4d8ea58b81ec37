import { createMemoryCache, type MemoryCache } from '../memory-cache.ts';
import { createRestClient } from './http/rest-client.ts';
import { type HyperparameterPlacement, placeHyperparameters } from './requests/hyperparameter-placement.ts';
import type { TransportOptions } from './resilience/transport.ts';
import { type CheckpointResource, createCheckpointResource } from './resources/checkpoint.ts';
import { createEventResource, type EventResource } from './resources/event.ts';
import { createFileResource, type FileResource } from './resources/file.ts';
import { createGraderResource, type GraderResource } from './resources/grader-run.ts';
import { createJobResource, type JobResource } from './resources/job.ts';
import { createModelResource, type ModelResource } from './resources/model.ts';
import { createPermissionResource, type PermissionResource } from './resources/permission.ts';
import { createTokenCounter, type TokenCounter } from './tokens/token-counter.ts';

/** The REST API of the upstream: one resource per noun of its URLs. Without a cache. */
export interface Upstream {
  readonly jobs: JobResource;
  readonly events: EventResource;
  readonly checkpoints: CheckpointResource;
  readonly files: FileResource;
  readonly models: ModelResource;
  readonly permissions: PermissionResource;
  readonly graders: GraderResource;
  /** Counts tokens as the models of the upstream do. */
  readonly tokens: TokenCounter;
  /** Aborts all calls and closes all connections. */
  dispose(): Promise<void>;
}

export interface UpstreamOptions extends TransportOptions {
  /** Holds the ids of lists that the server sends in the opposite order. Default: a cache of its own of 16 MiB. */
  readonly memoryCache?: MemoryCache;
  /** Where the server looks for the hyperparameters of a new job; `method` by default. */
  readonly hyperparameters?: HyperparameterPlacement;
}

const DEFAULT_MEMORY_BYTES = 16 * 1024 * 1024;

export function createUpstream({
  hyperparameters = 'method',
  memoryCache = createMemoryCache(DEFAULT_MEMORY_BYTES),
  ...options
}: UpstreamOptions): Upstream {
  const rest = createRestClient(options);
  const jobs = createJobResource(rest, memoryCache);
  const tokens = createTokenCounter(options.clock);
  return {
    // Placed here, below the idempotency keys: the same request keeps its mark when the placement changes.
    jobs: { ...jobs, create: (body, call) => jobs.create(placeHyperparameters(body, hyperparameters), call) },
    events: createEventResource(rest, memoryCache),
    checkpoints: createCheckpointResource(rest, memoryCache),
    files: createFileResource(rest, memoryCache),
    models: createModelResource(rest),
    permissions: createPermissionResource(rest, memoryCache),
    graders: createGraderResource(rest),
    tokens,
    async dispose() {
      await Promise.all([rest.dispose(), tokens.dispose()]);
    },
  };
}
