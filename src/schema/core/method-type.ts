import { openEnum } from './open-enum.ts';

/** Descriptions that the methods of a job share with those of an input. */
export const METHODS = {
  supervised: 'Supervised fine-tuning: trains on examples of the desired output.',
  dpo: 'Direct preference optimization (DPO): trains on pairs of a preferred and a rejected output.',
  reinforcement: 'Reinforcement fine-tuning: trains on the scores of a grader.',
} as const;

export const methodType = openEnum('FineTuningJobMethodType', {
  description: 'The training method of a job: what it learns from.',
  values: {
    SUPERVISED: { description: METHODS.supervised },
    DPO: { description: METHODS.dpo },
    REINFORCEMENT: { description: METHODS.reinforcement },
  },
});
