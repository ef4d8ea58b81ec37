/** Descriptions that the hyperparameters of a job share with those of an input. */
export const HYPERPARAMETERS = {
  batchSize: 'Number of examples per batch, such as 8.',
  learningRateMultiplier: 'Factor for the learning rate, such as 1.8.',
  nEpochs: 'Number of epochs: passes through the training file, such as 3.',
  beta: 'Weight of the penalty for outputs that differ from those of the reference model, such as 0.1. A larger value keeps the model closer to it.',
  computeMultiplier: 'Factor for the compute that the training spends on exploration, such as 1.5.',
  evalInterval: 'Number of training steps between two evaluations, such as 10.',
  evalSamples: 'Number of outputs that an evaluation generates per example of the validation file, such as 2.',
  reasoningEffort: 'The reasoning effort of the model during training.',
} as const;

export const HYPERPARAMETER_TYPES = {
  supervised: 'The hyperparameters of supervised fine-tuning.',
  dpo: 'The hyperparameters of direct preference optimization (DPO).',
  reinforcement: 'The hyperparameters of reinforcement fine-tuning.',
} as const;
