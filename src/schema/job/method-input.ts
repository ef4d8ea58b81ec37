import { builder } from '../core/builder.ts';
import { type EncodedGrader, encodeGrader } from '../grader/grader-encoder.ts';
import { GraderInput } from '../grader/grader-input.ts';
import {
  DpoHyperparametersInput,
  encodeHyperparameters,
  HyperparametersInput,
  ReinforcementHyperparametersInput,
} from './hyperparameters-input.ts';

// How a job is to train, as clients give it.

const EXTRA =
  "An object with members of the upstream's object that this version of the gateway does not know; they are sent as they are";

const SupervisedMethodInput = builder.inputType('FineTuningJobSupervisedMethodInput', {
  description: 'Supervised fine-tuning.',
  fields: (t) => ({
    hyperparameters: t.field({ type: HyperparametersInput, description: 'Left out, the upstream chooses all.' }),
    extra: t.field({ type: 'JSON', description: `${EXTRA}.` }),
  }),
});

const DpoMethodInput = builder.inputType('FineTuningJobDpoMethodInput', {
  description: 'Direct preference optimisation.',
  fields: (t) => ({
    hyperparameters: t.field({ type: DpoHyperparametersInput, description: 'Left out, the upstream chooses all.' }),
    extra: t.field({ type: 'JSON', description: `${EXTRA}.` }),
  }),
});

const ReinforcementMethodInput = builder.inputType('FineTuningJobReinforcementMethodInput', {
  description: 'Reinforcement fine-tuning.',
  fields: (t) => ({
    grader: t.field({ type: GraderInput, required: true, description: 'What scores the outputs.' }),
    hyperparameters: t.field({
      type: ReinforcementHyperparametersInput,
      description: 'Left out, the upstream chooses all.',
    }),
    extra: t.field({ type: 'JSON', description: `${EXTRA}, such as \`response_format\`.` }),
  }),
});

export const MethodInput = builder.inputType('FineTuningJobMethodInput', {
  isOneOf: true,
  description: 'How a job is to train: exactly one of the methods.',
  fields: (t) => ({
    supervised: t.field({ type: SupervisedMethodInput, description: 'From examples of the wanted output.' }),
    dpo: t.field({ type: DpoMethodInput, description: 'From pairs of a preferred and a rejected output.' }),
    reinforcement: t.field({ type: ReinforcementMethodInput, description: 'From the scores of a grader.' }),
  }),
});

/** A method of a client's, for the check of a request. */
export interface EncodedMethod {
  /** As it is on the wire; nothing of it is checked yet. */
  readonly wire: object;
  /** Only of reinforcement. */
  readonly grader: EncodedGrader | null;
}

/** Where the wire has a type the input has a field. */
export function encodeMethod({ supervised, dpo, reinforcement }: typeof MethodInput.$inferInput): EncodedMethod {
  if (reinforcement) {
    const { hyperparameters, extra } = reinforcement;
    const grader = encodeGrader(reinforcement.grader);
    const wire = { grader: grader.wire, hyperparameters: encodeHyperparameters(hyperparameters), extra };
    return { wire: { type: 'reinforcement', reinforcement: wire }, grader };
  }
  const [type, given] = dpo ? (['dpo', dpo] as const) : (['supervised', supervised] as const);
  const wire = { hyperparameters: encodeHyperparameters(given?.hyperparameters), extra: given?.extra };
  return { wire: { type, [type]: wire }, grader: null };
}
