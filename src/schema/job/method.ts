import type { Method } from '../../upstream/resources/method.ts';
import { builder } from '../core/builder.ts';
import { METHODS, methodType } from '../core/method-type.ts';
import { GraderInterface } from '../grader/grader.ts';
import {
  DpoHyperparametersType,
  ReinforcementHyperparametersType,
  SupervisedHyperparameters,
} from './hyperparameters.ts';

const TYPE_NAMES = {
  SUPERVISED: 'FineTuningJobSupervisedMethod',
  DPO: 'FineTuningJobDpoMethod',
  REINFORCEMENT: 'FineTuningJobReinforcementMethod',
  UNKNOWN: 'FineTuningJobUnknownMethod',
};

export const MethodInterface = builder.interfaceRef<Method>('FineTuningJobMethod').implement({
  description: 'The training method of a job. Its type tells which hyperparameters it has.',
  resolveType: ({ type }) => TYPE_NAMES[methodType.read(type)],
  fields: (t) => ({
    type: t.field({
      type: methodType.type,
      nullable: false,
      description: 'The type of the method. UNKNOWN when the object is a `FineTuningJobUnknownMethod`.',
      resolve: ({ type }) => methodType.read(type),
    }),
    rawType: t.string({
      nullable: false,
      description: '`type` as the upstream spells it, such as `supervised`.',
      resolve: ({ type }) => type,
    }),
  }),
});

builder.objectRef<Method>('FineTuningJobSupervisedMethod').implement({
  description: METHODS.supervised,
  interfaces: [MethodInterface],
  fields: (t) => ({
    hyperparameters: t.field({
      type: SupervisedHyperparameters,
      description: 'The hyperparameters. Null when the upstream does not report them.',
      resolve: ({ supervised }) => supervised?.hyperparameters,
    }),
  }),
});

builder.objectRef<Method>('FineTuningJobDpoMethod').implement({
  description: METHODS.dpo,
  interfaces: [MethodInterface],
  fields: (t) => ({
    hyperparameters: t.field({
      type: DpoHyperparametersType,
      description: 'The hyperparameters. Null when the upstream does not report them.',
      resolve: ({ dpo }) => dpo?.hyperparameters,
    }),
  }),
});

builder.objectRef<Method>('FineTuningJobReinforcementMethod').implement({
  description: METHODS.reinforcement,
  interfaces: [MethodInterface],
  fields: (t) => ({
    grader: t.field({
      type: GraderInterface,
      description: 'The grader that scores the outputs of the model. Null when the upstream does not report it.',
      resolve: ({ reinforcement }) => reinforcement?.grader,
    }),
    hyperparameters: t.field({
      type: ReinforcementHyperparametersType,
      description: 'The hyperparameters. Null when the upstream does not report them.',
      resolve: ({ reinforcement }) => reinforcement?.hyperparameters,
    }),
    responseFormat: t.field({
      type: 'JSON',
      description:
        'The format that the outputs must have, an object in the form of the REST API such as `{"type": "json_schema", "json_schema": {…}}`. Null when none is set.',
      resolve: ({ reinforcement }) => reinforcement?.response_format,
    }),
  }),
});

builder.objectRef<Method>('FineTuningJobUnknownMethod').implement({
  description: 'A method that this version of the gateway does not know. `raw` of the job has the whole method.',
  interfaces: [MethodInterface],
});
