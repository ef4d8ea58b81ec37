import type { Grader } from '../upstream/resources/grader.ts';
import type { GraderRun, GraderSample } from '../upstream/resources/grader-run.ts';
import { type CommandContext, type CommandDependencies, callOf } from './command-context.ts';
import { createDelete, type Delete } from './delete.ts';
import { createFileCommands, type FileCommands } from './file.ts';
import { createJobCommands, type JobCommands } from './job.ts';
import { createPermissionCommands, type PermissionCommands } from './permission.ts';

/**
 * What one request changes. What the upstream answers is what the store knows from then on, whatever was kept or under way.
 * All reject with UpstreamError.
 */
export interface Commands {
  readonly jobs: JobCommands;
  readonly files: FileCommands;
  readonly models: { readonly delete: Delete };
  /** Who may use a checkpoint. */
  readonly permissions: PermissionCommands;
  /** Graders, which are nowhere kept: what they would give. */
  readonly graders: {
    run(sample: GraderSample): Promise<GraderRun>;
    /** Gives the grader as the upstream understands it. */
    validate(grader: unknown): Promise<Grader>;
  };
}

export function createCommands(parts: CommandDependencies, changer: CommandContext): Commands {
  const { upstream, store } = parts;
  return {
    jobs: createJobCommands(parts, changer),
    files: createFileCommands(parts, changer),
    models: { delete: createDelete(store.models, upstream.models.delete, changer) },
    permissions: createPermissionCommands(parts, changer),
    graders: {
      run: (sample) => upstream.graders.run(sample, callOf(changer)),
      validate: (grader) => upstream.graders.validate(grader, callOf(changer)),
    },
  };
}
