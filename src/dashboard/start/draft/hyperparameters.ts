import type { TrainingMethod } from '../upload/file-check.ts';

/** The limits of a number that OpenAI publishes (docs/upstream.md: Creating a job). */
export interface Limit {
  readonly isInteger?: true;
  readonly min?: number;
  /** An exclusive minimum. */
  readonly above?: number;
  readonly max?: number;
}

/** A hyperparameter of a method. */
export interface Hyperparameter extends Limit {
  readonly name: string;
  readonly label: string;
  readonly hint: string;
}

const COMMON: readonly Hyperparameter[] = [
  {
    name: 'nEpochs',
    label: 'Epochs',
    hint: 'Passes through the training file: 1 to 50.',
    isInteger: true,
    min: 1,
    max: 50,
  },
  { name: 'batchSize', label: 'Batch size', hint: 'Examples per step: 1 to 256.', isInteger: true, min: 1, max: 256 },
  { name: 'learningRateMultiplier', label: 'Learning rate multiplier', hint: 'Greater than 0, such as 1.8.', above: 0 },
];

/** The numeric hyperparameters of each method. */
export const HYPERPARAMETERS: Readonly<Record<TrainingMethod, readonly Hyperparameter[]>> = {
  '': [],
  supervised: COMMON,
  dpo: [
    ...COMMON,
    { name: 'beta', label: 'Beta', hint: 'Greater than 0 and at most 2, such as 0.1.', above: 0, max: 2 },
  ],
  reinforcement: [
    ...COMMON,
    {
      name: 'computeMultiplier',
      label: 'Compute multiplier',
      hint: 'Greater than 0.00001 and at most 10.',
      above: 1e-5,
      max: 10,
    },
    {
      name: 'evalInterval',
      label: 'Evaluation interval',
      hint: 'Steps between two evaluations: at least 1.',
      isInteger: true,
      min: 1,
    },
    {
      name: 'evalSamples',
      label: 'Evaluation samples',
      hint: 'Outputs per example of the validation file: at least 1.',
      isInteger: true,
      min: 1,
    },
  ],
};

export const METHOD_LABELS: Readonly<Record<TrainingMethod, string>> = {
  supervised: 'Supervised',
  dpo: 'Direct preference optimization (DPO)',
  reinforcement: 'Reinforcement',
  '': 'Default of the upstream',
};

/** The hyperparameter of reinforcement that is no number. */
export const REASONING_EFFORT = 'reasoningEffort';

/** The path of the grader in the input. */
export const GRADER_PATH = 'method.reinforcement.grader';

export const GRADER_EXAMPLE =
  '{"stringCheck": {"name": "exact", "input": "{{sample.output_text}}", "reference": "{{item.reference_answer}}", "operation": "EQ"}}';

/** Properties of the method, such as the format of the outputs. */
export const METHOD_EXTRA_EXAMPLE = '{"response_format": {"type": "json_object"}}';

export const EXTRA_EXAMPLE = '{"hyperparameters": {"lora_r": 16}}';
