import { z } from 'zod';
import { ApiError, unknownModel } from '../api/api-error.ts';
import { leftAfter, namedListBody, readLimit } from '../api/page.ts';
import { characters, parse } from '../api/request-schema.ts';
import { type Permission, permissionBody } from '../artifacts/permission.ts';
import { inSeconds } from '../simulation/job-plan.ts';
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
  return namedListBody(leftAfter(list, query, unknownPermission).map(permissionBody), limit);
}

/** Answers all that were asked for; a project that has its permission already keeps that. */
export function createPermissions({ body, now }: ApiRequest, state: State, model: string): object {
  const known = permissionsOf(model, state, now);
  const { project_ids } = parse(createRequest, body ?? {});
  const asked = [...new Set(project_ids)].map((projectId) => {
    const old = known.find((permission) => permission.projectId === projectId);
    return old ?? create(projectId, state, model, now);
  });
  const added = asked.filter((permission) => !known.includes(permission));
  state.writes.setPermissions([...added.toReversed(), ...state.writes.permissions]);
  return namedListBody(asked.values().map(permissionBody), asked.length);
}

export function deletePermission({ now }: ApiRequest, state: State, model: string, id: string): object {
  if (!permissionsOf(model, state, now).some((permission) => permission.id === id)) throw unknownPermission(id);
  state.writes.setPermissions(state.writes.permissions.filter((permission) => permission.id !== id));
  return { object: 'checkpoint.permission', id, deleted: true };
}

function create(projectId: string, { writes, account }: State, model: string, now: number): Permission {
  const random = createRandom(account.organizationId, 'permission', writes.nextNumber(), inSeconds(now));
  return { id: `cp_${random.text(24)}`, model, projectId, createdAt: now };
}

/** Newest first. Throws a Refusal when there is no such model, or it is no job's. */
function permissionsOf(model: string, state: State, now: number): readonly Permission[] {
  if (!state.modelsAt(now).some(({ jobId, body }) => jobId !== null && body.id === model)) throw unknownModel(model);
  return state.writes.permissions.filter((permission) => permission.model === model);
}

const unknownPermission = (id: string) => new ApiError(404, `No such permission: ${id}`, 'permission_id');
