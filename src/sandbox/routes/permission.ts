import { z } from 'zod';
import { ApiError, unknownModel } from '../api/api-error.ts';
import { itemsAfter, listBodyWithIds, readLimit } from '../api/page.ts';
import { characters, parse } from '../api/request-schema.ts';
import { inSeconds } from '../artifacts/job.ts';
import { type Permission, permissionBody } from '../artifacts/permission.ts';
import { createRandom } from '../simulation/random.ts';
import type { State } from '../state/state.ts';
import type { ApiRequest } from './route.ts';

const orderSchema = z.enum(['ascending', 'descending']);
const createRequest = z.strictObject({ project_ids: z.array(characters(1, 256)) });

export function listPermissions({ query, now }: ApiRequest, state: State, model: string): object {
  const limit = readLimit(query, 10);
  const order = parse(orderSchema, query.get('order') ?? 'descending', 'order');
  const project = query.get('project_id');
  const ofModel = permissionsOf(model, state, now).filter(({ projectId }) => [projectId, null].includes(project));
  const list = order === 'ascending' ? ofModel.toReversed() : ofModel;
  return listBodyWithIds(itemsAfter(list, query, unknownPermission).map(permissionBody), limit);
}

/** Returns the permissions of all requested projects. A project that has a permission already keeps it. */
export function createPermissions({ body, now }: ApiRequest, state: State, model: string): object {
  const existing = permissionsOf(model, state, now);
  const { project_ids } = parse(createRequest, body ?? {});
  const requested = [...new Set(project_ids)].map((projectId) => {
    const known = existing.find((permission) => permission.projectId === projectId);
    return known ?? createPermission(projectId, state, model, now);
  });
  const added = requested.filter((permission) => !existing.includes(permission));
  state.writes.setPermissions([...added.toReversed(), ...state.writes.permissions]);
  return listBodyWithIds(requested.values().map(permissionBody), requested.length);
}

export function deletePermission({ now }: ApiRequest, state: State, model: string, id: string): object {
  if (!permissionsOf(model, state, now).some((permission) => permission.id === id)) throw unknownPermission(id);
  state.writes.setPermissions(state.writes.permissions.filter((permission) => permission.id !== id));
  return { object: 'checkpoint.permission', id, deleted: true };
}

function createPermission(projectId: string, { writes, account }: State, model: string, now: number): Permission {
  const random = createRandom(account.organizationId, 'permission', writes.nextNumber(), inSeconds(now));
  return { id: `cp_${random.text(24)}`, model, projectId, createdAt: now };
}

/** Newest first. Throws ApiError unless the model exists and is fine-tuned. */
function permissionsOf(model: string, state: State, now: number): readonly Permission[] {
  if (!state.modelsAt(now).some(({ jobId, body }) => jobId !== null && body.id === model)) throw unknownModel(model);
  return state.writes.permissions.filter((permission) => permission.model === model);
}

const unknownPermission = (id: string) => new ApiError(404, `No such permission: ${id}`, 'permission_id');
