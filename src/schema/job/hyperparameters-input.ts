import type { InputFieldBuilder } from '@pothos/core';
import { builder, type Types } from '../core/builder.ts';
import { HYPERPARAMETER_TYPES, HYPERPARAMETERS } from './hyperparameter-descriptions.ts';
import { reasoningEffort } from './hyperparameters.ts';

// The hyperparameters of inputs. The numbers in the descriptions are OpenAI's limits; those of other servers are unknown.

const BY_DEFAULT = 'By default, and when null or "auto", the upstream chooses.';

const common = (t: InputFieldBuilder<Types, 'InputObject'>) => ({
  batchSize: t.field({
    type: 'IntOrAuto',
    description: `${HYPERPARAMETERS.batchSize} From 1 to 256. ${BY_DEFAULT}`,
  }),
  learningRateMultiplier: t.field({
    type: 'FloatOrAuto',
    description: `${HYPERPARAMETERS.learningRateMultiplier} Greater than 0. ${BY_DEFAULT}`,
  }),
  nEpochs: t.field({ type: 'IntOrAuto', description: `${HYPERPARAMETERS.nEpochs} From 1 to 50. ${BY_DEFAULT}` }),
});

export const HyperparametersInput = builder.inputType('FineTuningJobHyperparametersInput', {
  description: HYPERPARAMETER_TYPES.supervised,
  fields: common,
});

export const DpoHyperparametersInput = builder.inputType('FineTuningJobDpoHyperparametersInput', {
  description: HYPERPARAMETER_TYPES.dpo,
  fields: (t) => ({
    ...common(t),
    beta: t.field({
      type: 'FloatOrAuto',
      description: `${HYPERPARAMETERS.beta} Greater than 0 and at most 2. ${BY_DEFAULT}`,
    }),
  }),
});

export const ReinforcementHyperparametersInput = builder.inputType('FineTuningJobReinforcementHyperparametersInput', {
  description: HYPERPARAMETER_TYPES.reinforcement,
  fields: (t) => ({
    ...common(t),
    computeMultiplier: t.field({
      type: 'FloatOrAuto',
      description: `${HYPERPARAMETERS.computeMultiplier} Greater than 0.00001 and at most 10. ${BY_DEFAULT}`,
    }),
    evalInterval: t.field({
      type: 'IntOrAuto',
      description: `${HYPERPARAMETERS.evalInterval} At least 1. ${BY_DEFAULT}`,
    }),
    evalSamples: t.field({
      type: 'IntOrAuto',
      description: `${HYPERPARAMETERS.evalSamples} At least 1. ${BY_DEFAULT}`,
    }),
    reasoningEffort: t.field({
      type: reasoningEffort.type,
      description: `${HYPERPARAMETERS.reasoningEffort} By default, and when null, that of the model. UNKNOWN is not accepted.`,
    }),
  }),
});

/** The hyperparameters of all methods. */
type AnyHyperparameters = Partial<
  typeof DpoHyperparametersInput.$inferInput & typeof ReinforcementHyperparametersInput.$inferInput
>;

/** Returns the REST form of the hyperparameters of any method. Not validated yet. */
export function encodeHyperparameters(input: AnyHyperparameters | null | undefined): object | null {
  if (input == null) return null;
  return {
    batch_size: input.batchSize,
    learning_rate_multiplier: input.learningRateMultiplier,
    n_epochs: input.nEpochs,
    beta: input.beta,
    compute_multiplier: input.computeMultiplier,
    eval_interval: input.evalInterval,
    eval_samples: input.evalSamples,
    reasoning_effort: encodeEffort(input.reasoningEffort),
  };
}

// UNKNOWN becomes an empty string, which the validation rejects on all servers.
function encodeEffort(effort: AnyHyperparameters['reasoningEffort']): string | null {
  if (effort == null) return null;
  return effort === 'UNKNOWN' ? '' : reasoningEffort.write(effort, '');
}
