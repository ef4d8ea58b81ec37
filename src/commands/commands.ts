import type { Grader } from '../upstream/resources/grader.ts';
import type { GraderRun, GraderSample } from '../upstream/resources/grader-run.ts';
import { type CommandContext, type CommandDependencies, callOf } from './command-context.ts';
import { createDelete, type Delete } from './delete.ts';
import { createFileCommands, type FileCommands } from './file.ts';
import { createJobCommands, type JobCommands } from './job.ts';
import { createPermissionCommands, type PermissionCommands } from './permission.ts';

/**
 * The commands of one request. Each stores the upstream's response and invalidates earlier reads, so that later reads see
 * its effect. All reject with UpstreamError.
 */
export interface Commands {
  readonly jobs: JobCommands;
  readonly files: FileCommands;
  readonly models: { readonly delete: Delete };
  /** Permissions of checkpoints. */
  readonly permissions: PermissionCommands;
  /** Graders: nothing is stored or changed. */
  readonly graders: {
    run(sample: GraderSample): Promise<GraderRun>;
    /** Returns the grader as the upstream normalizes it. */
    validate(grader: unknown): Promise<Grader>;
  };
}

export function createCommands(dependencies: CommandDependencies, context: CommandContext): Commands {
  const { upstream, store } = dependencies;
  return {
    jobs: createJobCommands(dependencies, context),
    files: createFileCommands(dependencies, context),
    models: { delete: createDelete(store.models, upstream.models.delete, context) },
    permissions: createPermissionCommands(dependencies, context),
    graders: {
      run: (sample) => upstream.graders.run(sample, callOf(context)),
      validate: (grader) => upstream.graders.validate(grader, callOf(context)),
    },
  };
}
