import type { JobBody } from '../../upstream/resources/job.ts';
import type { JobError } from '../../upstream/resources/job-parts.ts';
import type { JobPlan } from '../simulation/job-plan.ts';
import { statusAt, statusChangedAt } from '../simulation/lifecycle.ts';
import { methodMembers } from '../simulation/method.ts';

/** Undocumented members of every recorded job (docs/upstream.md: Objects). */
interface UndeclaredMembers {
  object: 'fine_tuning.job';
  usage_metrics: null;
  shared_with_openai: boolean;
  eval_id: string | null;
}

/**
 * The body of `GET /fine_tuning/jobs/{id}` at `now`, with deviations from the schema and the recorded order of members
 * (docs/upstream.md: Objects).
 */
export function jobBody(plan: JobPlan, now: number): JobBody & UndeclaredMembers {
  const status = statusAt(plan, now);
  const succeededAt = statusChangedAt(plan, 'succeeded', now);
  const results = succeededAt === null ? null : plan.results;
  const { hyperparameters, method } = methodMembers(plan.method, statusChangedAt(plan, 'running', now) !== null);
  return {
    ...plan.request?.extra,
    object: 'fine_tuning.job',
    id: plan.id,
    model: plan.model,
    created_at: inSeconds(plan.createdAt),
    finished_at: succeededAt === null ? null : inSeconds(succeededAt), // Null for failed and cancelled jobs too.
    fine_tuned_model: results?.model ?? null,
    organization_id: plan.organizationId,
    result_files: results === null ? [] : [results.resultFile],
    status,
    validation_file: plan.validationFile,
    training_file: plan.trainingFile,
    ...(hyperparameters !== undefined && { hyperparameters }),
    trained_tokens: results?.trainedTokens ?? null,
    error: status === 'failed' && plan.error !== null ? errorBody(plan.error) : {},
    user_provided_suffix: plan.suffix,
    seed: plan.seed,
    estimated_finish: null, // In every recording, running jobs included.
    integrations: plan.integrations.map((wandb) => ({
      type: 'wandb',
      wandb: { ...wandb, tags: [...wandb.tags], run_id: plan.id },
    })),
    metadata: plan.metadata,
    usage_metrics: null,
    shared_with_openai: false,
    eval_id: plan.evalId,
    method,
  };
}

/**
 * The body of the response to a create request. In `method`, it has the hyperparameters in alphabetical order; later
 * responses have the epochs first (docs/upstream.md: Objects).
 */
export function createdJobBody(plan: JobPlan, now: number): JobBody {
  const body = jobBody(plan, now);
  const { type } = plan.method;
  const { hyperparameters, ...settings } = Object(Object(body.method)[type]);
  const sorted = Object.fromEntries(Object.entries(hyperparameters).sort(([a], [b]) => (a < b ? -1 : 1)));
  return { ...body, method: { type, [type]: { ...settings, hyperparameters: sorted } } };
}

const errorBody = ({ code, param, message }: JobError): JobError => ({ code, param, message });

/** The time in the unit of bodies. */
export const inSeconds = (ms: number) => Math.floor(ms / 1000);
