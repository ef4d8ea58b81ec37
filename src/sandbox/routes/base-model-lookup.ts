import { ApiError } from '../api/api-error.ts';
import { BASE_MODELS } from '../artifacts/base-model.ts';
import type { State } from '../state/state.ts';

/** A model that a job can be trained on. */
export interface TunableModel {
  /** The name in the job. */
  readonly model: string;
  /** The model of OpenAI that it is based on. */
  readonly base: string;
}

/** Aliases of dated models: a job has the dated name (docs/upstream.md: Objects). */
const ALIASES: Readonly<Record<string, string>> = {
  'gpt-4.1': 'gpt-4.1-2025-04-14',
  'gpt-4.1-mini': 'gpt-4.1-mini-2025-04-14',
  'gpt-4.1-nano': 'gpt-4.1-nano-2025-04-14',
  'gpt-4o': 'gpt-4o-2024-08-06',
  'gpt-4o-mini': 'gpt-4o-mini-2024-07-18',
  'gpt-3.5-turbo': 'gpt-3.5-turbo-0125',
  'o4-mini': 'o4-mini-2025-04-16',
};
const TUNABLE = new Set([...Object.values(ALIASES), 'gpt-4-0613', 'babbage-002', 'davinci-002']);

/** Whether jobs can be trained on this model of OpenAI, by its full name, unless it is shut down. */
export const isTunable = (model: string) => TUNABLE.has(model);

/** Resolves the name of a model of OpenAI, or of a fine-tuned model that exists at `now`. Throws ApiError. */
export function findTunableModel(name: string, state: State, now: number): TunableModel {
  const model = ALIASES[name] ?? name;
  const shutdown = BASE_MODELS.find(({ id }) => id === model)?.shutdown_date;
  if (TUNABLE.has(model) && (shutdown === undefined || now < Date.parse(shutdown))) return { model, base: model };
  const tuned = state.modelsAt(now).find(({ jobId, body }) => jobId !== null && body.id === name);
  const base = /^ft:([^:]+):/.exec(tuned?.name ?? '')?.[1];
  if (base !== undefined) return { model, base };
  throw new ApiError(
    400,
    `Model ${name} is not available for fine-tuning or does not exist.`,
    null,
    'model_not_available',
  );
}
