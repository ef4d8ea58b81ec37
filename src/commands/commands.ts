import type { Grader } from '../upstream/resources/grader.ts';
import type { GraderRun, GraderSample } from '../upstream/resources/grader-run.ts';
import { type ChangeParts, type Changer, callOf } from './command-context.ts';
import { createDelete, type Delete } from './delete.ts';
import { createFileChanges, type FileChanges } from './file.ts';
import { createJobChanges, type JobChanges } from './job.ts';
import { createPermissionChanges, type PermissionChanges } from './permission.ts';

/**
 * What one request changes. What the upstream answers is what the store knows from then on, whatever was kept or under way.
 * All reject with UpstreamError.
 */
export interface Changes {
  readonly jobs: JobChanges;
  readonly files: FileChanges;
  readonly models: { readonly delete: Delete };
  /** Who may use a checkpoint. */
  readonly permissions: PermissionChanges;
  /** Graders, which are nowhere kept: what they would give. */
  readonly graders: {
    run(sample: GraderSample): Promise<GraderRun>;
    /** Gives the grader as the upstream understands it. */
    validate(grader: unknown): Promise<Grader>;
  };
}

export function createChanges(parts: ChangeParts, changer: Changer): Changes {
  const { upstream, store } = parts;
  return {
    jobs: createJobChanges(parts, changer),
    files: createFileChanges(parts, changer),
    models: { delete: createDelete(store.models, upstream.models.delete, changer) },
    permissions: createPermissionChanges(parts, changer),
    graders: {
      run: (sample) => upstream.graders.run(sample, callOf(changer)),
      validate: (grader) => upstream.graders.validate(grader, callOf(changer)),
    },
  };
}
