import type { Method } from '../../upstream/resources/method.ts';
import { builder } from '../core/builder.ts';
import { openEnum } from '../core/open-enum.ts';
import { GraderInterface } from '../grader/grader.ts';
import {
  DpoHyperparametersType,
  ReinforcementHyperparametersType,
  SupervisedHyperparameters,
} from './hyperparameters.ts';

export const methodType = openEnum('FineTuningJobMethodType', {
  description: 'What a job learns from.',
  values: {
    SUPERVISED: { description: 'From examples of the wanted output.' },
    DPO: { description: 'From pairs of a preferred and a rejected output (direct preference optimisation).' },
    REINFORCEMENT: { description: 'From the scores of a grader.' },
  },
});

const TYPE_NAMES = {
  SUPERVISED: 'FineTuningJobSupervisedMethod',
  DPO: 'FineTuningJobDpoMethod',
  REINFORCEMENT: 'FineTuningJobReinforcementMethod',
  UNKNOWN: 'FineTuningJobUnknownMethod',
};

export const MethodInterface = builder.interfaceRef<Method>('FineTuningJobMethod').implement({
  description: 'How a job trains.',
  resolveType: ({ type }) => TYPE_NAMES[methodType.read(type)],
  fields: (t) => ({
    type: t.field({
      type: methodType.type,
      nullable: false,
      description: 'Which method it is; UNKNOWN for a `FineTuningJobUnknownMethod`.',
      resolve: ({ type }) => methodType.read(type),
    }),
    rawType: t.string({
      nullable: false,
      description: '`type` as the upstream spells it.',
      resolve: ({ type }) => type,
    }),
  }),
});

builder.objectRef<Method>('FineTuningJobSupervisedMethod').implement({
  description: 'Supervised fine-tuning.',
  interfaces: [MethodInterface],
  fields: (t) => ({
    hyperparameters: t.field({
      type: SupervisedHyperparameters,
      description: 'Its hyperparameters; null when the upstream does not tell.',
      resolve: ({ supervised }) => supervised?.hyperparameters,
    }),
  }),
});

builder.objectRef<Method>('FineTuningJobDpoMethod').implement({
  description: 'Direct preference optimisation.',
  interfaces: [MethodInterface],
  fields: (t) => ({
    hyperparameters: t.field({
      type: DpoHyperparametersType,
      description: 'Its hyperparameters; null when the upstream does not tell.',
      resolve: ({ dpo }) => dpo?.hyperparameters,
    }),
  }),
});

builder.objectRef<Method>('FineTuningJobReinforcementMethod').implement({
  description: 'Reinforcement fine-tuning.',
  interfaces: [MethodInterface],
  fields: (t) => ({
    grader: t.field({
      type: GraderInterface,
      description: 'What scores the outputs; null when the upstream does not tell.',
      resolve: ({ reinforcement }) => reinforcement?.grader,
    }),
    hyperparameters: t.field({
      type: ReinforcementHyperparametersType,
      description: 'Its hyperparameters; null when the upstream does not tell.',
      resolve: ({ reinforcement }) => reinforcement?.hyperparameters,
    }),
    responseFormat: t.field({
      type: 'JSON',
      description: 'The form that outputs must have, as the upstream has it; null when none is set.',
      resolve: ({ reinforcement }) => reinforcement?.response_format,
    }),
  }),
});

builder.objectRef<Method>('FineTuningJobUnknownMethod').implement({
  description: 'A method that this version does not know; `raw` of the job has it whole.',
  interfaces: [MethodInterface],
});
