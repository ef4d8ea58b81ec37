import { unknownModel } from './errors.ts';
import type { ApiRequest } from './request.ts';
import type { State } from './state.ts';

/** All of them in one answer: this list has no pages. */
export function listModels({ now }: ApiRequest, state: State): object {
  return { object: 'list', data: state.modelsAt(now).map(({ body }) => body) };
}

export function retrieveModel({ now }: ApiRequest, state: State, id: string): object {
  const model = state.modelsAt(now).find(({ body }) => body.id === id);
  if (model === undefined) throw unknownModel(id);
  return model.body;
}
