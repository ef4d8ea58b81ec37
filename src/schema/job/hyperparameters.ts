import type {
  DpoHyperparameters,
  Hyperparameters,
  ReinforcementHyperparameters,
} from '../../upstream/resources/method.ts';
import { builder } from '../core/builder.ts';
import { openEnum } from '../core/open-enum.ts';
import { HYPERPARAMETER_TYPES, HYPERPARAMETERS } from './hyperparameter-descriptions.ts';

export const reasoningEffort = openEnum('FineTuningJobReasoningEffort', {
  description: 'How many tokens a reasoning model uses to think during training.',
  values: {
    DEFAULT: { description: 'The default effort of the model.' },
    LOW: { description: 'The fewest reasoning tokens: faster and cheaper.' },
    MEDIUM: { description: 'A number of reasoning tokens between LOW and HIGH.' },
    HIGH: { description: 'The most reasoning tokens: for difficult tasks.' },
  },
});

const NOT_REPORTED = 'Null when the upstream does not report it.';
const AUTO = `"auto" until training starts, when the upstream chooses the value. ${NOT_REPORTED}`;

const Common = builder.interfaceRef<Hyperparameters>('FineTuningJobCommonHyperparameters').implement({
  description: 'The hyperparameters that every training method has.',
  fields: (t) => ({
    batchSize: t.field({
      type: 'IntOrAuto',
      description: `${HYPERPARAMETERS.batchSize} ${AUTO}`,
      resolve: ({ batch_size }) => batch_size,
    }),
    learningRateMultiplier: t.field({
      type: 'FloatOrAuto',
      description: `${HYPERPARAMETERS.learningRateMultiplier} ${AUTO}`,
      resolve: ({ learning_rate_multiplier }) => learning_rate_multiplier,
    }),
    nEpochs: t.field({
      type: 'IntOrAuto',
      description: `${HYPERPARAMETERS.nEpochs} ${AUTO}`,
      resolve: ({ n_epochs }) => n_epochs,
    }),
  }),
});

export const SupervisedHyperparameters = builder.objectRef<Hyperparameters>('FineTuningJobHyperparameters').implement({
  description: HYPERPARAMETER_TYPES.supervised,
  interfaces: [Common],
});

export const DpoHyperparametersType = builder
  .objectRef<DpoHyperparameters>('FineTuningJobDpoHyperparameters')
  .implement({
    description: HYPERPARAMETER_TYPES.dpo,
    interfaces: [Common],
    fields: (t) => ({
      beta: t.expose('beta', { type: 'FloatOrAuto', description: `${HYPERPARAMETERS.beta} ${AUTO}` }),
    }),
  });

export const ReinforcementHyperparametersType = builder
  .objectRef<ReinforcementHyperparameters>('FineTuningJobReinforcementHyperparameters')
  .implement({
    description: HYPERPARAMETER_TYPES.reinforcement,
    interfaces: [Common],
    fields: (t) => ({
      computeMultiplier: t.field({
        type: 'FloatOrAuto',
        description: `${HYPERPARAMETERS.computeMultiplier} ${AUTO}`,
        resolve: ({ compute_multiplier }) => compute_multiplier,
      }),
      evalInterval: t.field({
        type: 'IntOrAuto',
        description: `${HYPERPARAMETERS.evalInterval} ${AUTO}`,
        resolve: ({ eval_interval }) => eval_interval,
      }),
      evalSamples: t.field({
        type: 'IntOrAuto',
        description: `${HYPERPARAMETERS.evalSamples} ${AUTO}`,
        resolve: ({ eval_samples }) => eval_samples,
      }),
      reasoningEffort: t.field({
        type: reasoningEffort.type,
        description: `${HYPERPARAMETERS.reasoningEffort} ${NOT_REPORTED}`,
        resolve: ({ reasoning_effort }) => (reasoning_effort === null ? null : reasoningEffort.read(reasoning_effort)),
      }),
      rawReasoningEffort: t.string({
        description: `\`reasoningEffort\` as the upstream spells it, such as \`medium\`. ${NOT_REPORTED}`,
        resolve: ({ reasoning_effort }) => reasoning_effort,
      }),
    }),
  });
