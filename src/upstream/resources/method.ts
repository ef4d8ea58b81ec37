import { z } from 'zod';
import { graderSchema } from './grader.ts';
import { floatOrAuto, intOrAuto, nullIfInvalid, orNull, textOrNull } from './lenient-schema.ts';

export const hyperparametersSchema = z.object({
  batch_size: intOrAuto,
  learning_rate_multiplier: floatOrAuto,
  n_epochs: intOrAuto,
});
const dpoHyperparametersSchema = hyperparametersSchema.extend({ beta: floatOrAuto });
const reinforcementHyperparametersSchema = hyperparametersSchema.extend({
  compute_multiplier: floatOrAuto,
  eval_interval: intOrAuto,
  eval_samples: intOrAuto,
  reasoning_effort: textOrNull,
});

/** The training method of a job. `type` names which of the three objects applies. */
export const methodSchema = z.object({
  type: z.string(),
  supervised: nullIfInvalid(z.object({ hyperparameters: nullIfInvalid(hyperparametersSchema) })),
  dpo: nullIfInvalid(z.object({ hyperparameters: nullIfInvalid(dpoHyperparametersSchema) })),
  reinforcement: nullIfInvalid(
    z.object({
      grader: orNull(graderSchema),
      hyperparameters: nullIfInvalid(reinforcementHyperparametersSchema),
      response_format: z.unknown().optional(),
    }),
  ),
});

export type Hyperparameters = z.output<typeof hyperparametersSchema>;
export type DpoHyperparameters = z.output<typeof dpoHyperparametersSchema>;
export type ReinforcementHyperparameters = z.output<typeof reinforcementHyperparametersSchema>;
export type Method = z.output<typeof methodSchema>;
