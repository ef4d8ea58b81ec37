import { createRestClient } from './http/rest-client.ts';
import type { TransportOptions } from './resilience/transport.ts';
import { type CheckpointResource, createCheckpointResource } from './resources/checkpoint.ts';
import { createEventResource, type EventResource } from './resources/event.ts';
import { createFileResource, type FileResource } from './resources/file.ts';
import { createGraderResource, type GraderResource } from './resources/grader-run.ts';
import { createJobResource, type JobResource } from './resources/job.ts';
import { createModelResource, type ModelResource } from './resources/model.ts';
import { createPermissionResource, type PermissionResource } from './resources/permission.ts';

/** The REST API of the upstream: one resource per noun of its URLs. Without a cache. */
export interface Upstream {
  readonly jobs: JobResource;
  readonly events: EventResource;
  readonly checkpoints: CheckpointResource;
  readonly files: FileResource;
  readonly models: ModelResource;
  readonly permissions: PermissionResource;
  readonly graders: GraderResource;
  /** Aborts all calls and closes all connections. */
  dispose(): Promise<void>;
}

export function createUpstream(options: TransportOptions): Upstream {
  const rest = createRestClient(options);
  return {
    jobs: createJobResource(rest),
    events: createEventResource(rest),
    checkpoints: createCheckpointResource(rest),
    files: createFileResource(rest),
    models: createModelResource(rest),
    permissions: createPermissionResource(rest),
    graders: createGraderResource(rest),
    dispose: rest.dispose,
  };
}
