import type { InputFieldBuilder } from '@pothos/core';
import { builder, type Types } from '../core/builder.ts';
import { reasoningEffort } from './hyperparameters.ts';

// Hyperparameters as clients give them. The numbers in the descriptions are OpenAI's limits; of other servers none are known.

const LEFT_OUT = 'left out, the upstream chooses, as by "auto".';

const common = (t: InputFieldBuilder<Types, 'InputObject'>) => ({
  batchSize: t.field({ type: 'IntOrAuto', description: `Examples in each batch, 1 to 256; ${LEFT_OUT}` }),
  learningRateMultiplier: t.field({
    type: 'FloatOrAuto',
    description: `Factor on the learning rate, above 0; ${LEFT_OUT}`,
  }),
  nEpochs: t.field({
    type: 'IntOrAuto',
    description: `How often the training goes through the training file, 1 to 50; ${LEFT_OUT}`,
  }),
});

export const HyperparametersInput = builder.inputType('FineTuningJobHyperparametersInput', {
  description: 'Hyperparameters of supervised fine-tuning.',
  fields: common,
});

export const DpoHyperparametersInput = builder.inputType('FineTuningJobDpoHyperparametersInput', {
  description: 'Hyperparameters of direct preference optimisation.',
  fields: (t) => ({
    ...common(t),
    beta: t.field({
      type: 'FloatOrAuto',
      description: `Weight of the penalty between the policy and the reference model, above 0 and at most 2; ${LEFT_OUT}`,
    }),
  }),
});

export const ReinforcementHyperparametersInput = builder.inputType('FineTuningJobReinforcementHyperparametersInput', {
  description: 'Hyperparameters of reinforcement fine-tuning.',
  fields: (t) => ({
    ...common(t),
    computeMultiplier: t.field({
      type: 'FloatOrAuto',
      description: `Factor on the compute spent on exploring the search space, above 0.00001 and at most 10; ${LEFT_OUT}`,
    }),
    evalInterval: t.field({
      type: 'IntOrAuto',
      description: `Training steps between two evaluations, at least 1; ${LEFT_OUT}`,
    }),
    evalSamples: t.field({
      type: 'IntOrAuto',
      description: `How many outputs are sampled for each example of the validation file in an evaluation, at least 1; ${LEFT_OUT}`,
    }),
    reasoningEffort: t.field({
      type: reasoningEffort.type,
      description: 'How much the model thinks; left out, its own default. UNKNOWN is refused.',
    }),
  }),
});

/** All that the methods have between them. */
type Given = Partial<typeof DpoHyperparametersInput.$inferInput & typeof ReinforcementHyperparametersInput.$inferInput>;

/** Hyperparameters of any method on the wire; nothing of it is checked yet. */
export function encodeHyperparameters(given: Given | null | undefined): object | null {
  if (given == null) return null;
  return {
    batch_size: given.batchSize,
    learning_rate_multiplier: given.learningRateMultiplier,
    n_epochs: given.nEpochs,
    beta: given.beta,
    compute_multiplier: given.computeMultiplier,
    eval_interval: given.evalInterval,
    eval_samples: given.evalSamples,
    reasoning_effort: encodeEffort(given.reasoningEffort),
  };
}

// UNKNOWN is nothing that can be asked for: no server takes what stands for it then.
function encodeEffort(effort: Given['reasoningEffort']): string | null {
  if (effort == null) return null;
  return effort === 'UNKNOWN' ? '' : reasoningEffort.write(effort, '');
}
