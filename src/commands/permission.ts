import { UpstreamError } from '../upstream/errors/upstream-error.ts';
import { isValidName } from '../upstream/http/path.ts';
import type { Deletion } from '../upstream/resources/deletion.ts';
import type { PageItem } from '../upstream/resources/page.ts';
import type { Permission } from '../upstream/resources/permission.ts';
import { type CommandContext, type CommandDependencies, callOf } from './command-context.ts';

/** Each names a checkpoint by its model, and rejects with NoAdminKey, too. */
export interface PermissionCommands {
  /** Lets projects use a checkpoint; null when there is none. */
  create(model: string, projectIds: readonly string[]): Promise<PageItem<Permission>[] | null>;
  /** Takes a permission away; null when there is none. */
  delete(model: string, id: string): Promise<Deletion | null>;
}

/** Whatever comes of a change, nothing that was read before is believed. */
export function createPermissionCommands(
  { upstream, store }: CommandDependencies,
  changer: CommandContext,
): PermissionCommands {
  const { access } = changer;
  return {
    async create(model, projectIds) {
      if (!isValidName(model)) return null;
      try {
        return await upstream.permissions.create(model, projectIds, callOf(changer));
      } catch (error) {
        if (isAbsence(error)) return null;
        throw error;
      } finally {
        store.permissions.markStale(access, model);
      }
    },
    async delete(model, id) {
      if (!isValidName(model) || !isValidName(id)) return null;
      try {
        return await upstream.permissions.delete(model, id, callOf(changer));
      } finally {
        store.permissions.markStale(access, model);
      }
    },
  };
}

/** Whether the upstream says that what something was to be made for is not there. */
const isAbsence = (error: unknown) =>
  error instanceof UpstreamError && error.code === 'UPSTREAM_REJECTED' && error.facts.upstreamStatus === 404;
