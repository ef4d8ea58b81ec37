import { builder } from '../core/builder.ts';
import { METHODS } from '../core/method-type.ts';
import { type EncodedGrader, encodeGrader } from '../grader/grader-encoder.ts';
import { GraderInput } from '../grader/grader-input.ts';
import {
  DpoHyperparametersInput,
  encodeHyperparameters,
  HyperparametersInput,
  ReinforcementHyperparametersInput,
} from './hyperparameters-input.ts';

const HYPERPARAMETERS = 'The hyperparameters. By default, and when null, the upstream chooses all of them.';
const EXTRA =
  'An object with properties of the method that this input has no field for. They are sent unchanged. Its `hyperparameters` are merged with the field `hyperparameters`, and may not repeat it. By default, and when null, none.';

const SupervisedMethodInput = builder.inputType('FineTuningJobSupervisedMethodInput', {
  description: METHODS.supervised,
  fields: (t) => ({
    hyperparameters: t.field({ type: HyperparametersInput, description: HYPERPARAMETERS }),
    extra: t.field({ type: 'JSON', description: EXTRA }),
  }),
});

const DpoMethodInput = builder.inputType('FineTuningJobDpoMethodInput', {
  description: METHODS.dpo,
  fields: (t) => ({
    hyperparameters: t.field({ type: DpoHyperparametersInput, description: HYPERPARAMETERS }),
    extra: t.field({ type: 'JSON', description: EXTRA }),
  }),
});

const ReinforcementMethodInput = builder.inputType('FineTuningJobReinforcementMethodInput', {
  description: METHODS.reinforcement,
  fields: (t) => ({
    grader: t.field({
      type: GraderInput,
      required: true,
      description: 'The grader that scores the outputs of the model.',
    }),
    hyperparameters: t.field({ type: ReinforcementHyperparametersInput, description: HYPERPARAMETERS }),
    extra: t.field({
      type: 'JSON',
      description: `${EXTRA} For example \`{"response_format": {"type": "json_schema", "json_schema": {…}}}\`.`,
    }),
  }),
});

export const MethodInput = builder.inputType('FineTuningJobMethodInput', {
  isOneOf: true,
  description:
    'The training method of a job. Set exactly one field; `{supervised: {}}` is enough when the upstream chooses all hyperparameters.',
  fields: (t) => ({
    supervised: t.field({ type: SupervisedMethodInput, description: METHODS.supervised }),
    dpo: t.field({ type: DpoMethodInput, description: METHODS.dpo }),
    reinforcement: t.field({ type: ReinforcementMethodInput, description: METHODS.reinforcement }),
  }),
});

/** A method of an input in the form of the REST API. */
export interface EncodedMethod {
  /** The method as it is sent. Not validated yet. */
  readonly wire: object;
  /** The grader of a reinforcement method, otherwise null. */
  readonly grader: EncodedGrader | null;
}

/** Encodes a method. The input has one field per method where the REST form has `type`. */
export function encodeMethod({ supervised, dpo, reinforcement }: typeof MethodInput.$inferInput): EncodedMethod {
  if (reinforcement) {
    const { hyperparameters, extra } = reinforcement;
    const grader = encodeGrader(reinforcement.grader);
    const wire = { grader: grader.wire, hyperparameters: encodeHyperparameters(hyperparameters), extra };
    return { wire: { type: 'reinforcement', reinforcement: wire }, grader };
  }
  const [type, method] = dpo ? (['dpo', dpo] as const) : (['supervised', supervised] as const);
  const wire = { hyperparameters: encodeHyperparameters(method?.hyperparameters), extra: method?.extra };
  return { wire: { type, [type]: wire }, grader: null };
}
