import type { ModelBody } from '../../upstream/resources/model.ts';
import type { JobPlan } from '../simulation/job-plan.ts';
import { BASE_MODELS } from './base-model.ts';
import { checkpointsAt } from './checkpoint.ts';
import { inSeconds } from './job.ts';

/** A model with the job that created it; `jobId` is null for a model of OpenAI. */
export interface ListedModel {
  readonly jobId: string | null;
  /** The name in the dialect openai. */
  readonly name: string;
  readonly body: ModelBody & { readonly object: 'model' };
}

/** The models that exist at `now`: base models first, then fine-tuned models and checkpoints. */
export function modelsAt(jobs: Iterable<JobPlan>, now: number): readonly ListedModel[] {
  const base = BASE_MODELS.map(
    (body): ListedModel => ({ jobId: null, name: body.id, body: { object: 'model', ...body } }),
  );
  return [...base, ...Iterator.from(jobs).flatMap((plan) => tunedModels(plan, now))];
}

function tunedModels(plan: JobPlan, now: number): readonly ListedModel[] {
  const shutdown_date = BASE_MODELS.find(({ id }) => id === plan.model)?.shutdown_date ?? null;
  return checkpointsAt(plan, now).map(({ model, createdAt }) => ({
    jobId: plan.id,
    name: model,
    body: {
      object: 'model',
      id: model,
      created: inSeconds(createdAt),
      owned_by: plan.organizationId,
      shutdown_date,
    },
  }));
}
