import { z } from 'zod';
import type { MemoryCache } from '../../memory-cache.ts';
import { adminCredentialOf } from '../credentials/credential.ts';
import { path } from '../http/path.ts';
import type { RestClient } from '../http/rest-client.ts';
import { createListReader } from '../lists/list-reader.ts';
import { type Call, callWith } from '../resilience/transport.ts';
import { type Deletion, readDeletion } from './deletion.ts';
import { identifier, text, timestamp } from './lenient-schema.ts';
import { createReader } from './object-reader.ts';
import { byCreation, type Page, type PageItem, type PageRequest, readList, readUnpaged } from './page.ts';

const fields = z.object({ id: identifier, created_at: timestamp, project_id: text });

/** The permission of a project to use a checkpoint, in wire spelling. */
export type Permission = z.output<typeof fields>;

/** Parses a permission. Throws a ZodError when a member is invalid. */
const readPermission: (body: unknown) => Permission = createReader(fields);

/**
 * The permissions of a checkpoint, which is identified by the name of its model. All methods throw NoAdminKey when the
 * credential has no admin key.
 */
export interface PermissionResource {
  /** GET /fine_tuning/checkpoints/{model}/permissions, newest first. Throws UpstreamError. */
  list(model: string, request: PermissionPageRequest, call: Call): Promise<Page<Permission>>;
  /** POST to the same path: grants permissions to projects, and returns them. Throws UpstreamError. */
  create(model: string, projectIds: readonly string[], call: Call): Promise<PageItem<Permission>[]>;
  /** DELETE /fine_tuning/checkpoints/{model}/permissions/{id}; null when it does not exist. Throws UpstreamError. */
  delete(model: string, id: string, call: Call): Promise<Deletion | null>;
}

/** Selects a page of the permissions of one project, or of all. */
export interface PermissionPageRequest extends PageRequest {
  readonly projectId?: string | undefined;
}

export function createPermissionResource(rest: RestClient, memoryCache: MemoryCache): PermissionResource {
  const lists = createListReader<PageItem<Permission>>({ compareAge: byCreation, memoryCache, name: 'permission' });
  const readPermissions = readList(readPermission);
  return {
    async list(model, { projectId: project_id = null, ...page }, call) {
      const admin = asAdmin(call);
      return await lists.page(page, {
        credential: admin.credential,
        name: JSON.stringify([model, project_id]),
        fetch: (request) => rest.get(permissionsPath(model), { ...request, project_id }, readPermissions, admin),
      });
    },
    create: async (model, project_ids, call) =>
      rest.post(permissionsPath(model), { project_ids }, readUnpaged(readPermission), asAdmin(call)),
    delete: async (model, id, call) =>
      rest.delete(path`/fine_tuning/checkpoints/${model}/permissions/${id}`, readDeletion(id), asAdmin(call)),
  };
}

const asAdmin = (call: Call) => callWith({ credential: adminCredentialOf(call.credential) }, call);

const permissionsPath = (model: string) => path`/fine_tuning/checkpoints/${model}/permissions`;
