import { z } from 'zod';
import { asAdmin } from '../credentials/credential.ts';
import { path } from '../http/path.ts';
import type { RestClient } from '../http/rest-client.ts';
import type { Call } from '../resilience/transport.ts';
import { type Deletion, readDeletion } from './deletion.ts';
import { identifier, timestamp } from './lenient-schema.ts';
import { type Page, type PageItem, type PageRequest, readPage, readUnpaged } from './page.ts';

const fields = z.object({ id: identifier, created_at: timestamp, project_id: z.string() });

/** A permission as servers write it. */
export type PermissionBody = z.input<typeof fields>;

/** That a project may use a checkpoint, in wire spelling. */
export type Permission = z.output<typeof fields>;

/** Throws a ZodError when the body lacks a part of it. */
export function readPermission(body: unknown): Permission {
  return fields.parse(body);
}

/** Who may use a checkpoint, which goes by the name of its model. Every method needs an admin key, and throws NoAdminKey without. */
export interface PermissionResource {
  /** GET /fine_tuning/checkpoints/{model}/permissions, newest first. Throws UpstreamError. */
  list(model: string, request: PermissionPageRequest, call: Call): Promise<Page<Permission>>;
  /** POST the same: lets these projects use it, and gives the new permissions. Throws UpstreamError. */
  create(model: string, projectIds: readonly string[], call: Call): Promise<PageItem<Permission>[]>;
  /** DELETE /fine_tuning/checkpoints/{model}/permissions/{id}; null when there is none. Throws UpstreamError. */
  delete(model: string, id: string, call: Call): Promise<Deletion | null>;
}

/** Which permissions: a page of those of one project, or of all. */
export interface PermissionPageRequest extends PageRequest {
  readonly projectId?: string | undefined;
}

export function createPermissionResource(rest: RestClient): PermissionResource {
  return {
    list: async (model, { projectId: project_id = null, ...page }, call) =>
      rest.get(permissionsOf(model), { ...page, project_id }, readPage(page, readPermission), asAdmin(call)),
    create: async (model, project_ids, call) =>
      rest.post(permissionsOf(model), { project_ids }, readUnpaged(readPermission), asAdmin(call)),
    delete: async (model, id, call) =>
      rest.delete(path`/fine_tuning/checkpoints/${model}/permissions/${id}`, readDeletion(id), asAdmin(call)),
  };
}

const permissionsOf = (model: string) => path`/fine_tuning/checkpoints/${model}/permissions`;
