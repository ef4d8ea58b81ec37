import type { Model as WireModel } from '../../upstream/resources/model.ts';
import { builder } from '../core/builder.ts';
import { methodType } from '../core/method-type.ts';
import { Model } from './model.ts';

interface FineTunability {
  /** Distinct, in the upstream's spelling. */
  readonly methods: readonly string[];
  readonly isKnown: boolean;
}

const [SFT, SFT_AND_DPO, RFT] = [['supervised'], ['supervised', 'dpo'], ['reinforcement']];

/** The methods of base models, by their dated names and by the aliases of these (docs/upstream.md: Models that can be tuned). */
const METHODS: ReadonlyMap<string, readonly string[]> = new Map([
  ...['gpt-4.1', 'gpt-4.1-mini', 'gpt-4.1-nano'].flatMap(
    (name) =>
      [
        [name, SFT_AND_DPO],
        [`${name}-2025-04-14`, SFT_AND_DPO],
      ] as const,
  ),
  ['o4-mini', RFT],
  ['o4-mini-2025-04-16', RFT],
  ...['gpt-4o', 'gpt-4o-2024-08-06', 'gpt-4o-mini', 'gpt-4o-mini-2024-07-18'].map((name) => [name, SFT] as const),
  ...['gpt-3.5-turbo', 'gpt-3.5-turbo-0125', 'babbage-002', 'davinci-002'].map((name) => [name, SFT] as const),
]);

const NOT_TUNABLE: FineTunability = { methods: [], isKnown: true };

const FineTunabilityType = builder.objectRef<FineTunability>('FineTunability').implement({
  description:
    'The training methods of a base model, as far as the gateway knows: from the guides of OpenAI, from the model itself on Azure, and from the jobs of the account that the gateway has seen. An account may still be refused: the upstream decides.',
  fields: (t) => ({
    methods: t.field({
      type: [methodType.type],
      nullable: false,
      description:
        'The methods that jobs can train the model with. A method that is missing may work too. Empty when the model cannot be tuned, and when nothing is known. UNKNOWN for a method of a job that this version of the gateway does not know.',
      resolve: ({ methods }) => methods.map(methodType.read),
    }),
    rawMethods: t.stringList({
      nullable: false,
      description: '`methods` as the upstream spells them, in the same order, such as `["supervised", "dpo"]`.',
      resolve: ({ methods }) => methods,
    }),
    isKnown: t.exposeBoolean('isKnown', {
      nullable: false,
      description:
        'Whether the gateway knows anything about the model. When false, `methods` is empty, and jobs may or may not be able to train it.',
    }),
  }),
});

builder.objectField(Model, 'fineTunability', (t) =>
  t.field({
    type: FineTunabilityType,
    nullable: false,
    description: 'Which jobs can train the model. Costs no upstream call.',
    resolve: (model, _, { methodsUsedOn, now }) => {
      if (isRetired(model, now())) return NOT_TUNABLE;
      const methods = [...new Set([...(METHODS.get(model.id) ?? []), ...methodsUsedOn(model.id)])];
      return { methods, isKnown: methods.length > 0 };
    },
  }),
);

/** Whether the upstream says that no job can train the model: it is shut down, or Azure reports it. */
function isRetired({ shutdown_date, tuning_end, can_tune }: WireModel, now: number): boolean {
  const today = new Date(now).toISOString().slice(0, 10);
  const hasPassed = (date: string | null) => date !== null && date <= today;
  return hasPassed(shutdown_date) || hasPassed(tuning_end) || can_tune === false;
}
