import { ApiError, unknownModel } from '../api/api-error.ts';
import type { ListedModel } from '../artifacts/model.ts';
import type { State } from '../state/state.ts';
import type { ApiRequest } from './route.ts';

/** This list has no pages. */
export function listModels({ now }: ApiRequest, state: State): object {
  return { object: 'list', data: state.modelsAt(now).map(({ body }) => body) };
}

export function retrieveModel({ now }: ApiRequest, state: State, id: string): object {
  return findModel(state, id, now).body;
}

/** Deletes a fine-tuned model. The response for other models is not recorded. */
export function deleteModel({ now }: ApiRequest, state: State, id: string): object {
  const { jobId, name } = findModel(state, id, now);
  if (jobId === null) throw new ApiError(403, `The model '${id}' is not yours: only fine-tuned models can be deleted.`);
  state.writes.remove(name);
  return { object: 'model', id, deleted: true };
}

function findModel(state: State, id: string, now: number): ListedModel {
  const model = state.modelsAt(now).find(({ body }) => body.id === id);
  if (model === undefined) throw unknownModel(id);
  return model;
}
