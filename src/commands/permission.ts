import { UpstreamError } from '../upstream/errors/upstream-error.ts';
import { isValidName } from '../upstream/http/path.ts';
import type { Deletion } from '../upstream/resources/deletion.ts';
import type { PageItem } from '../upstream/resources/page.ts';
import type { Permission } from '../upstream/resources/permission.ts';
import { type CommandContext, type CommandDependencies, callOf } from './command-context.ts';

/** `model` is the name of a checkpoint's model. Both also reject with NoAdminKey. */
export interface PermissionCommands {
  /** Permits projects to use a checkpoint; null when there is no such checkpoint. */
  create(model: string, projectIds: readonly string[]): Promise<PageItem<Permission>[] | null>;
  /** Deletes a permission; null when there is none. */
  delete(model: string, id: string): Promise<Deletion | null>;
}

/** Each command marks the checkpoint's permissions as stale, whatever its outcome. */
export function createPermissionCommands(
  { upstream, store }: CommandDependencies,
  context: CommandContext,
): PermissionCommands {
  const { access } = context;
  return {
    async create(model, projectIds) {
      if (!isValidName(model)) return null;
      try {
        return await upstream.permissions.create(model, projectIds, callOf(context));
      } catch (error) {
        if (isNotFound(error)) return null;
        throw error;
      } finally {
        store.permissions.markStale(access, model);
      }
    },
    async delete(model, id) {
      if (!isValidName(model) || !isValidName(id)) return null;
      try {
        return await upstream.permissions.delete(model, id, callOf(context));
      } finally {
        store.permissions.markStale(access, model);
      }
    },
  };
}

/** Whether the upstream rejected the request because the checkpoint does not exist. */
const isNotFound = (error: unknown) =>
  error instanceof UpstreamError && error.code === 'UPSTREAM_REJECTED' && error.facts.upstreamStatus === 404;
