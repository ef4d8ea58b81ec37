import type { JobBody } from '../../upstream/resources/job.ts';
import type { JobError } from '../../upstream/resources/job-parts.ts';
import { type Lifecycle, type StatusChange, statusAt, statusChangedAt } from './lifecycle.ts';
import { methodMembers, type PlannedMethod } from './method.ts';

/** Weights & Biases as a job names it: where its run is reported to. */
export interface Wandb {
  readonly project: string;
  readonly name: string | null;
  readonly entity: string | null;
  readonly tags: readonly string[];
}

/** A job from its beginning to its end: with a time it makes the body that a client gets at that time. */
export interface JobPlan extends Lifecycle {
  readonly id: string;
  readonly organizationId: string;
  readonly model: string;
  readonly suffix: string | null;
  readonly seed: number;
  readonly trainingFile: string;
  /** When somebody deleted the training file, ms since the epoch; null when it is still there. */
  readonly trainingFileDeletedAt: number | null;
  readonly validationFile: string | null;
  /** What the names of its files begin with. */
  readonly fileStem: string;
  /** Examples in the training file. */
  readonly examples: number;
  /** The training loss that it comes down to. */
  readonly finalLoss: number;
  /** How many ms all of its steps take, pauses left out. */
  readonly trainingMs: number;
  /** How many ms a second of real life takes. */
  readonly secondMs: number;
  readonly method: PlannedMethod;
  readonly metadata: Readonly<Record<string, string>> | null;
  readonly integrations: readonly Wandb[];
  /** The eval that a reinforcement job makes for its grader. */
  readonly evalId: string | null;
  /** What the job says when it fails; null when it does not. */
  readonly error: JobError | null;
  /** What the job has to show when it succeeds. */
  readonly yields: { readonly model: string; readonly resultFile: string; readonly trainedTokens: number };
  /** What a paused job is still to do; `at` in ms from when it runs again. Absent while nobody has paused it. */
  readonly held?: readonly StatusChange[];
  /** Absent on the seed's jobs, whose files are made up with them. */
  readonly request?: {
    /** What was asked for that nobody knows: it comes back. */
    readonly unknown: object;
  };
}

/** Members that no schema declares, but that every recorded job has (docs/upstream.md: Objects). */
interface UndeclaredMembers {
  object: 'fine_tuning.job';
  usage_metrics: null;
  shared_with_openai: boolean;
  eval_id: string | null;
}

/** The job as `GET /fine_tuning/jobs/{id}` gives it at `now`, with the oddities of docs/upstream.md: Objects. */
export function jobBody(plan: JobPlan, now: number): JobBody & UndeclaredMembers {
  const status = statusAt(plan, now);
  const succeededAt = statusChangedAt(plan, 'succeeded', now);
  const yields = succeededAt === null ? null : plan.yields;
  return {
    ...plan.request?.unknown,
    object: 'fine_tuning.job',
    id: plan.id,
    model: plan.model,
    created_at: inSeconds(plan.createdAt),
    finished_at: succeededAt === null ? null : inSeconds(succeededAt), // Of a failed or cancelled job nobody is told.
    fine_tuned_model: yields?.model ?? null,
    organization_id: plan.organizationId,
    result_files: yields === null ? [] : [yields.resultFile],
    status,
    validation_file: plan.validationFile,
    training_file: plan.trainingFile,
    trained_tokens: yields?.trainedTokens ?? null,
    error: status === 'failed' && plan.error !== null ? plan.error : {},
    user_provided_suffix: plan.suffix,
    seed: plan.seed,
    estimated_finish: null, // Never seen otherwise, running jobs included.
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

/** A time as bodies have it. */
export const inSeconds = (ms: number) => Math.floor(ms / 1000);
