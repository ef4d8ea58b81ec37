import { UpstreamError } from '../upstream/errors/upstream-error.ts';
import { isName } from '../upstream/http/path.ts';
import type { Deletion } from '../upstream/resources/deletion.ts';
import type { PageItem } from '../upstream/resources/page.ts';
import type { Permission } from '../upstream/resources/permission.ts';
import { type ChangeParts, type Changer, callOf } from './command-context.ts';

/** Each names a checkpoint by its model, and rejects with NoAdminKey, too. */
export interface PermissionChanges {
  /** Lets projects use a checkpoint; null when there is none. */
  create(model: string, projectIds: readonly string[]): Promise<PageItem<Permission>[] | null>;
  /** Takes a permission away; null when there is none. */
  delete(model: string, id: string): Promise<Deletion | null>;
}

/** Whatever comes of a change, nothing that was read before is believed. */
export function createPermissionChanges({ upstream, store }: ChangeParts, changer: Changer): PermissionChanges {
  const { access } = changer;
  return {
    async create(model, projectIds) {
      if (!isName(model)) return null;
      try {
        return await upstream.permissions.create(model, projectIds, callOf(changer));
      } catch (error) {
        if (isAbsence(error)) return null;
        throw error;
      } finally {
        store.permissions.outdate(access, model);
      }
    },
    async delete(model, id) {
      if (!isName(model) || !isName(id)) return null;
      try {
        return await upstream.permissions.delete(model, id, callOf(changer));
      } finally {
        store.permissions.outdate(access, model);
      }
    },
  };
}

/** Whether the upstream says that what something was to be made for is not there. */
const isAbsence = (error: unknown) =>
  error instanceof UpstreamError && error.code === 'UPSTREAM_REJECTED' && error.facts.upstreamStatus === 404;
