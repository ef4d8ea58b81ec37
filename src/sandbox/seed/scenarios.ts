import type { JobOutcome } from './job-outcome.ts';
import type { MethodKind } from './scenario-method.ts';

/** What a team set out to do: a handful of jobs with one aim, one model and the same files. */
export interface ScenarioSpec {
  readonly suffix: string | null;
  readonly model: string;
  readonly method: MethodKind;
  readonly metadata: Readonly<Record<string, string>> | null;
  readonly wandbProject: string | null;
  /** Whether there is a validation file. */
  readonly isValidated: boolean;
  /** Examples in the training file. */
  readonly examples: number;
  /** Tokens of the training file; unless given, what so many examples have. */
  readonly trainingTokens?: number;
  /** The training loss that its jobs come down to, about; reinforcement has none. */
  readonly finalLoss?: number;
  /** The hyperparameters that make the number of steps, where it matters. */
  readonly steps?: { readonly n_epochs: number; readonly batch_size: number };
  /** What its files are called, if not after the suffix. */
  readonly fileStem?: string;
  /** One job each, the first first. */
  readonly outcomes: readonly JobOutcome[];
}

/** The latest first. Between them they show every status, method, grader, model and kind of metadata, whatever the seed. */
export const SCENARIOS: readonly ScenarioSpec[] = [
  {
    suffix: 'support-triage',
    model: 'gpt-4.1-mini-2025-04-14',
    method: 'supervised',
    metadata: { team: 'support', stage: 'production' },
    wandbProject: 'support-models',
    isValidated: true,
    examples: 80,
    finalLoss: 0.42,
    steps: { n_epochs: 3, batch_size: 1 }, // 240 steps, as in the best known recording.
    outcomes: ['deleted_training_file', 'succeeded', 'succeeded', 'cancelled', 'running'],
  },
  {
    suffix: null,
    model: 'gpt-4o-mini-2024-07-18',
    method: 'supervised',
    metadata: null,
    wandbProject: null,
    isValidated: false,
    examples: 120,
    finalLoss: 0.61,
    outcomes: ['succeeded', 'succeeded', 'cancelled_in_queue', 'queued', 'cancelling'],
  },
  {
    suffix: 'agent-rubric',
    model: 'o4-mini-2025-04-16',
    method: 'multi',
    metadata: { team: 'research', stage: 'experiment' },
    wandbProject: null,
    isValidated: true,
    examples: 64,
    outcomes: ['invalid_training_file', 'succeeded', 'succeeded', 'paused'],
  },
  {
    suffix: 'catalog-completions',
    model: 'babbage-002',
    method: 'supervised',
    metadata: { team: 'search' },
    wandbProject: null,
    isValidated: false,
    examples: 2_500,
    trainingTokens: 1_200_000_000, // Two epochs of it are more than a 32-bit integer can count.
    finalLoss: 0.9,
    steps: { n_epochs: 2, batch_size: 1 }, // 5,000 steps.
    outcomes: ['invalid_training_file', 'succeeded', 'succeeded', 'validating_files'],
  },
  {
    suffix: 'tone-pairs',
    model: 'gpt-4o-2024-08-06',
    method: 'dpo',
    metadata: null,
    wandbProject: null,
    isValidated: false,
    examples: 110,
    finalLoss: 0.31,
    outcomes: ['succeeded', 'succeeded', 'cancelled', 'resuming'],
  },
  {
    suffix: 'sql-checked',
    model: 'o4-mini-2025-04-16',
    method: 'python',
    metadata: { team: 'data', stage: 'experiment' },
    wandbProject: null,
    isValidated: true,
    examples: 48,
    outcomes: ['succeeded', 'cancelled', 'succeeded', 'pausing'],
  },
  {
    suffix: 'intent-router',
    model: 'gpt-4.1-nano-2025-04-14',
    method: 'supervised',
    metadata: {},
    wandbProject: null,
    isValidated: true,
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
    isValidated: true,
    examples: 160,
    finalLoss: 0.22,
    outcomes: ['invalid_file_format', 'succeeded', 'succeeded', 'paused'],
  },
  {
    suffix: 'faithful-summaries',
    model: 'o4-mini-2025-04-16',
    method: 'score_model',
    metadata: { team: 'research' },
    wandbProject: null,
    isValidated: true,
    examples: 72,
    outcomes: ['succeeded', 'succeeded', 'cancelled_in_queue', 'running'],
  },
  {
    suffix: 'brand-voice',
    model: 'gpt-4.1-2025-04-14',
    method: 'supervised',
    metadata: { team: 'marketing', stage: 'production' },
    wandbProject: null,
    isValidated: false,
    examples: 140,
    finalLoss: 0.55,
    outcomes: ['succeeded', 'succeeded', 'succeeded_file_deleted', 'cancelled'],
  },
  {
    suffix: 'medical-codes',
    model: 'o4-mini-2025-04-16',
    method: 'string_check',
    metadata: { team: 'health' },
    wandbProject: null,
    isValidated: true,
    examples: 40,
    outcomes: ['deleted_training_file', 'succeeded', 'succeeded', 'cancelled_in_queue'],
  },
  {
    suffix: 'invoice-fields',
    model: 'gpt-4o-mini-2024-07-18',
    method: 'supervised',
    metadata: { team: 'finance', stage: 'production' },
    wandbProject: 'documents',
    isValidated: true,
    examples: 260,
    finalLoss: 0.08,
    outcomes: ['invalid_file_format', 'succeeded', 'succeeded', 'succeeded', 'cancelled'],
  },
  {
    suffix: 'answer-preference',
    model: 'gpt-4.1-mini-2025-04-14',
    method: 'dpo',
    metadata: { team: 'support', stage: 'experiment' },
    wandbProject: null,
    isValidated: false,
    examples: 130,
    finalLoss: 0.27,
    outcomes: ['succeeded', 'succeeded', 'succeeded', 'cancelled'],
  },
  {
    suffix: 'translations',
    model: 'o4-mini-2025-04-16',
    method: 'text_similarity',
    metadata: { team: 'localisation' },
    wandbProject: null,
    isValidated: true,
    examples: 56,
    fileStem: 'übersetzungen "neu"',
    outcomes: ['cancelled', 'succeeded', 'succeeded', 'succeeded'],
  },
  {
    suffix: null,
    model: 'gpt-3.5-turbo-0125',
    method: 'supervised',
    metadata: null,
    wandbProject: null,
    isValidated: false,
    examples: 90,
    finalLoss: 0.74,
    outcomes: ['invalid_training_file', 'succeeded', 'succeeded', 'succeeded', 'succeeded', 'cancelled_in_queue'],
  },
  {
    suffix: 'contract-clauses',
    model: 'gpt-4o-2024-08-06',
    method: 'supervised',
    metadata: { team: 'legal' },
    wandbProject: 'documents',
    isValidated: true,
    examples: 180,
    finalLoss: 0.36,
    outcomes: ['succeeded', 'succeeded', 'succeeded', 'cancelled'],
  },
];
