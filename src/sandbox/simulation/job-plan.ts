import type { JobBody } from '../../upstream/resources/job.ts';
import type { JobError } from '../../upstream/resources/job-parts.ts';
import { type Lifecycle, type StatusChange, statusAt, statusChangedAt } from './lifecycle.ts';
import { methodMembers, type PlannedMethod } from './method.ts';

/** The Weights & Biases integration of a job. */
export interface Wandb {
  readonly project: string;
  readonly name: string | null;
  readonly entity: string | null;
  readonly tags: readonly string[];
}

/** All that determines a job: its body at any time is a function of the plan and the time. */
export interface JobPlan extends Lifecycle {
  readonly id: string;
  readonly organizationId: string;
  readonly model: string;
  readonly suffix: string | null;
  readonly seed: number;
  readonly trainingFile: string;
  /** Milliseconds since the epoch; null unless the training file is deleted. */
  readonly trainingFileDeletedAt: number | null;
  readonly validationFile: string | null;
  /** Beginning of the names of its files. */
  readonly fileStem: string;
  /** Examples in the training file. */
  readonly examples: number;
  /** Training loss of the last step, without noise. */
  readonly finalLoss: number;
  /** Duration of all steps in milliseconds, without pauses. */
  readonly trainingMs: number;
  /** Milliseconds per real second: 1000 / speed. */
  readonly secondMs: number;
  readonly method: PlannedMethod;
  readonly metadata: Readonly<Record<string, string>> | null;
  readonly integrations: readonly Wandb[];
  /** The eval that a reinforcement job creates for its grader. */
  readonly evalId: string | null;
  /** The error of a job that fails, else null. */
  readonly error: JobError | null;
  /** The results of the job if it succeeds. */
  readonly results: { readonly model: string; readonly resultFile: string; readonly trainedTokens: number };
  /** Status changes after a resume; `at` in milliseconds after it runs again. Only for a job that a client paused. */
  readonly remainingChanges?: readonly StatusChange[];
  /** Only for a job that a client created: its files are uploads. */
  readonly request?: {
    /** Undocumented members of the request, which the body returns. */
    readonly extra: object;
  };
}

/** Undocumented members of every recorded job (docs/upstream.md: Objects). */
interface UndeclaredMembers {
  object: 'fine_tuning.job';
  usage_metrics: null;
  shared_with_openai: boolean;
  eval_id: string | null;
}

/** The body of `GET /fine_tuning/jobs/{id}` at `now`, with deviations from the schema (docs/upstream.md: Objects). */
export function jobBody(plan: JobPlan, now: number): JobBody & UndeclaredMembers {
  const status = statusAt(plan, now);
  const succeededAt = statusChangedAt(plan, 'succeeded', now);
  const results = succeededAt === null ? null : plan.results;
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
    trained_tokens: results?.trainedTokens ?? null,
    error: status === 'failed' && plan.error !== null ? plan.error : {},
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
    ...methodMembers(plan.method, statusChangedAt(plan, 'running', now) !== null),
  };
}

/** The time in the unit of bodies. */
export const inSeconds = (ms: number) => Math.floor(ms / 1000);
