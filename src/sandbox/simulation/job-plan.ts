import type { JobError } from '../../upstream/resources/job-parts.ts';
import type { Lifecycle, StatusChange } from './lifecycle.ts';
import type { PlannedMethod } from './method.ts';

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
  /** Milliseconds of a second at speed 1: 1000 / speed. */
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
