import { type CheckpointResource, createCheckpointResource } from './checkpoint.ts';
import { createEventResource, type EventResource } from './event.ts';
import { createFileResource, type FileResource } from './file.ts';
import { createGraderResource, type GraderResource } from './grader-run.ts';
import { createHttp } from './http.ts';
import { createJobResource, type JobResource } from './job.ts';
import { createModelResource, type ModelResource } from './model.ts';
import { createPermissionResource, type PermissionResource } from './permission.ts';
import type { TransportOptions } from './transport.ts';

/** The REST API: one resource per noun of its URLs, nothing kept, nothing shared. */
export interface Upstream {
  readonly jobs: JobResource;
  readonly events: EventResource;
  readonly checkpoints: CheckpointResource;
  readonly files: FileResource;
  readonly models: ModelResource;
  readonly permissions: PermissionResource;
  readonly graders: GraderResource;
  /** Closes every connection. */
  dispose(): Promise<void>;
}

export function createUpstream(options: TransportOptions): Upstream {
  const http = createHttp(options);
  return {
    jobs: createJobResource(http),
    events: createEventResource(http),
    checkpoints: createCheckpointResource(http),
    files: createFileResource(http),
    models: createModelResource(http),
    permissions: createPermissionResource(http),
    graders: createGraderResource(http),
    dispose: http.dispose,
  };
}
