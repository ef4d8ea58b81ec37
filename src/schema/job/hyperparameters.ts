import type {
  DpoHyperparameters,
  Hyperparameters,
  ReinforcementHyperparameters,
} from '../../upstream/resources/method.ts';
import { builder } from '../core/builder.ts';
import { openEnum } from '../core/open-enum.ts';

export const reasoningEffort = openEnum('FineTuningJobReasoningEffort', {
  description: 'How much a reasoning model thinks while it trains.',
  values: {
    DEFAULT: { description: "The model's own default." },
    LOW: { description: 'Little, for fast and cheap answers.' },
    MEDIUM: { description: 'Between low and high.' },
    HIGH: { description: 'Much, for hard tasks.' },
  },
});

const Common = builder.interfaceRef<Hyperparameters>('FineTuningJobCommonHyperparameters').implement({
  description:
    'The hyperparameters that every method has. "auto" until training starts, then the numbers chosen; null when the upstream does not tell.',
  fields: (t) => ({
    batchSize: t.field({
      type: 'IntOrAuto',
      description: 'Examples in each batch. "auto" until training starts, when the upstream chooses.',
      resolve: ({ batch_size }) => batch_size,
    }),
    learningRateMultiplier: t.field({
      type: 'FloatOrAuto',
      description: 'Factor on the learning rate. "auto" until training starts, when the upstream chooses.',
      resolve: ({ learning_rate_multiplier }) => learning_rate_multiplier,
    }),
    nEpochs: t.field({
      type: 'IntOrAuto',
      description:
        'How often the training goes through the training file. "auto" until training starts, when the upstream chooses.',
      resolve: ({ n_epochs }) => n_epochs,
    }),
  }),
});

export const SupervisedHyperparameters = builder.objectRef<Hyperparameters>('FineTuningJobHyperparameters').implement({
  description: 'Hyperparameters of supervised fine-tuning.',
  interfaces: [Common],
});

export const DpoHyperparametersType = builder
  .objectRef<DpoHyperparameters>('FineTuningJobDpoHyperparameters')
  .implement({
    description: 'Hyperparameters of direct preference optimisation.',
    interfaces: [Common],
    fields: (t) => ({
      beta: t.expose('beta', {
        type: 'FloatOrAuto',
        description: 'Weight of the penalty between the policy and the reference model, over 0 to 2.',
      }),
    }),
  });

export const ReinforcementHyperparametersType = builder
  .objectRef<ReinforcementHyperparameters>('FineTuningJobReinforcementHyperparameters')
  .implement({
    description: 'Hyperparameters of reinforcement fine-tuning.',
    interfaces: [Common],
    fields: (t) => ({
      computeMultiplier: t.field({
        type: 'FloatOrAuto',
        description: 'Factor on the compute spent on exploring the search space while training.',
        resolve: ({ compute_multiplier }) => compute_multiplier,
      }),
      evalInterval: t.field({
        type: 'IntOrAuto',
        description: 'Training steps between two evaluations.',
        resolve: ({ eval_interval }) => eval_interval,
      }),
      evalSamples: t.field({
        type: 'IntOrAuto',
        description: 'How many outputs are sampled for each example of the validation file in an evaluation.',
        resolve: ({ eval_samples }) => eval_samples,
      }),
      reasoningEffort: t.field({
        type: reasoningEffort.type,
        description: 'How much the model thinks; null when the upstream does not tell.',
        resolve: ({ reasoning_effort }) => (reasoning_effort === null ? null : reasoningEffort.read(reasoning_effort)),
      }),
      rawReasoningEffort: t.string({
        description: '`reasoningEffort` as the upstream spells it.',
        resolve: ({ reasoning_effort }) => reasoning_effort,
      }),
    }),
  });
