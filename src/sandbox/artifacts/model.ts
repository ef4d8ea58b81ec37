import type { JobPlan } from '../simulation/job-plan.ts';
import { BASE_MODELS, type BaseModel } from './base-model.ts';
import { checkpointsAt } from './checkpoint.ts';
import { inSeconds } from './job.ts';

/** A model with the job that created it; `jobId` is null for a model of OpenAI. */
export interface ListedModel {
  readonly jobId: string | null;
  /** The name in the dialect openai. */
  readonly name: string;
  /** Seconds since the epoch. */
  readonly created: number;
  /** Undefined until it is announced. */
  readonly shutdownDate: string | undefined;
  readonly body: { readonly id: string; readonly object: 'model' };
}

/** The models that exist at `now`: base models first, then fine-tuned models and checkpoints. */
export function modelsAt(jobs: Iterable<JobPlan>, now: number): readonly ListedModel[] {
  return [...BASE_MODELS.map(baseModel), ...Iterator.from(jobs).flatMap((plan) => tunedModels(plan, now))];
}

function baseModel({ id, created, owned_by, shutdown_date }: BaseModel): ListedModel {
  return listedModel(null, id, created, owned_by, shutdown_date);
}

function tunedModels(plan: JobPlan, now: number): readonly ListedModel[] {
  const shutdown_date = BASE_MODELS.find(({ id }) => id === plan.model)?.shutdown_date;
  return checkpointsAt(plan, now).map(({ model, createdAt }) =>
    listedModel(plan.id, model, inSeconds(createdAt), plan.organizationId, shutdown_date),
  );
}

/** The body has the recorded members in their order, and a shutdown date that is announced (docs/upstream.md: Objects). */
function listedModel(
  jobId: string | null,
  id: string,
  created: number,
  owned_by: string,
  shutdown_date: string | undefined,
): ListedModel {
  const body = { id, object: 'model' as const, created, owned_by, ...(shutdown_date && { shutdown_date }) };
  return { jobId, name: id, created, shutdownDate: shutdown_date, body };
}
