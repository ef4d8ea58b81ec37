import type { JobOutcome } from './job-outcome.ts';
import type { MethodKind } from './scenario-method.ts';

/** A series of jobs with one purpose, one model and the same files. Absent members have the SCENARIO_DEFAULTS. */
export interface ScenarioSpec {
  readonly model: string;
  readonly suffix?: string;
  readonly method?: MethodKind;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly wandbProject?: string;
  readonly hasValidationFile?: boolean;
  /** Examples in the training file. */
  readonly examples: number;
  /** Tokens in the training file; estimated from `examples` by default. */
  readonly trainingTokens?: number;
  /** Approximate training loss of the last step; absent for reinforcement. */
  readonly finalLoss?: number;
  /** Hyperparameters where the number of steps matters; drawn at random by default. */
  readonly steps?: { readonly n_epochs: number; readonly batch_size: number };
  /** Beginning of the file names; the suffix by default. */
  readonly fileStem?: string;
  /** One job per outcome, in order of creation. */
  readonly outcomes: readonly JobOutcome[];
}

export const SCENARIO_DEFAULTS = {
  suffix: null,
  method: 'supervised',
  metadata: null,
  wandbProject: null,
  hasValidationFile: true,
} as const;

/** Latest first. With any seed, they cover every status, method, grader, model and kind of metadata. */
export const SCENARIOS: readonly ScenarioSpec[] = [
  {
    suffix: 'support-triage',
    model: 'gpt-4.1-mini-2025-04-14',
    metadata: { team: 'support', stage: 'production' },
    wandbProject: 'support-models',
    examples: 80,
    finalLoss: 0.42,
    steps: { n_epochs: 3, batch_size: 1 }, // 240 steps, as in a recorded OpenAI job.
    outcomes: ['deleted_training_file', 'succeeded', 'succeeded', 'cancelled', 'running'],
  },
  {
    model: 'gpt-4o-mini-2024-07-18',
    hasValidationFile: false,
    examples: 120,
    finalLoss: 0.61,
    outcomes: ['succeeded', 'succeeded', 'cancelled_in_queue', 'queued', 'cancelling'],
  },
  {
    suffix: 'agent-rubric',
    model: 'o4-mini-2025-04-16',
    method: 'multi',
    metadata: { team: 'research', stage: 'experiment' },
    examples: 64,
    outcomes: ['invalid_training_file', 'succeeded', 'succeeded', 'paused'],
  },
  {
    suffix: 'catalog-completions',
    model: 'babbage-002',
    metadata: { team: 'search' },
    hasValidationFile: false,
    examples: 2_500,
    trainingTokens: 1_200_000_000, // Two epochs exceed a 32-bit integer.
    finalLoss: 0.9,
    steps: { n_epochs: 2, batch_size: 1 }, // 5,000 steps.
    outcomes: ['invalid_training_file', 'succeeded', 'succeeded', 'validating_files'],
  },
  {
    suffix: 'tone-pairs',
    model: 'gpt-4o-2024-08-06',
    method: 'dpo',
    hasValidationFile: false,
    examples: 110,
    finalLoss: 0.31,
    outcomes: ['succeeded', 'succeeded', 'cancelled', 'resuming'],
  },
  {
    suffix: 'sql-checked',
    model: 'o4-mini-2025-04-16',
    method: 'python',
    metadata: { team: 'data', stage: 'experiment' },
    examples: 48,
    outcomes: ['succeeded', 'cancelled', 'succeeded', 'pausing'],
  },
  {
    suffix: 'intent-router',
    model: 'gpt-4.1-nano-2025-04-14',
    metadata: {},
    examples: 300,
    finalLoss: 0.000_04,
    steps: { n_epochs: 4, batch_size: 4 },
    outcomes: ['succeeded', 'succeeded', 'succeeded', 'succeeded', 'cancelled'],
  },
  {
    suffix: 'code-review',
    model: 'gpt-4.1-2025-04-14',
    method: 'dpo',
    metadata: { team: 'platform', stage: 'experiment' },
    wandbProject: 'code-review',
    examples: 160,
    finalLoss: 0.22,
    outcomes: ['invalid_file_format', 'succeeded', 'succeeded', 'paused'],
  },
  {
    suffix: 'faithful-summaries',
    model: 'o4-mini-2025-04-16',
    method: 'score_model',
    metadata: { team: 'research' },
    examples: 72,
    outcomes: ['succeeded', 'succeeded', 'cancelled_in_queue', 'running'],
  },
  {
    suffix: 'brand-voice',
    model: 'gpt-4.1-2025-04-14',
    metadata: { team: 'marketing', stage: 'production' },
    hasValidationFile: false,
    examples: 140,
    finalLoss: 0.55,
    outcomes: ['succeeded', 'succeeded', 'succeeded_file_deleted', 'cancelled'],
  },
  {
    suffix: 'medical-codes',
    model: 'o4-mini-2025-04-16',
    method: 'string_check',
    metadata: { team: 'health' },
    examples: 40,
    outcomes: ['deleted_training_file', 'succeeded', 'succeeded', 'cancelled_in_queue'],
  },
  {
    suffix: 'invoice-fields',
    model: 'gpt-4o-mini-2024-07-18',
    metadata: { team: 'finance', stage: 'production' },
    wandbProject: 'documents',
    examples: 260,
    finalLoss: 0.08,
    outcomes: ['invalid_file_format', 'succeeded', 'succeeded', 'succeeded', 'cancelled'],
  },
  {
    suffix: 'answer-preference',
    model: 'gpt-4.1-mini-2025-04-14',
    method: 'dpo',
    metadata: { team: 'support', stage: 'experiment' },
    hasValidationFile: false,
    examples: 130,
    finalLoss: 0.27,
    outcomes: ['succeeded', 'succeeded', 'succeeded', 'cancelled'],
  },
  {
    suffix: 'translations',
    model: 'o4-mini-2025-04-16',
    method: 'text_similarity',
    metadata: { team: 'localisation' },
    examples: 56,
    fileStem: 'übersetzungen "neu"',
    outcomes: ['cancelled', 'succeeded', 'succeeded', 'succeeded'],
  },
  {
    model: 'gpt-3.5-turbo-0125',
    hasValidationFile: false,
    examples: 90,
    finalLoss: 0.74,
    outcomes: ['invalid_training_file', 'succeeded', 'succeeded', 'succeeded', 'succeeded', 'cancelled_in_queue'],
  },
  {
    suffix: 'contract-clauses',
    model: 'gpt-4o-2024-08-06',
    metadata: { team: 'legal' },
    wandbProject: 'documents',
    examples: 180,
    finalLoss: 0.36,
    outcomes: ['succeeded', 'succeeded', 'succeeded', 'cancelled'],
  },
];
