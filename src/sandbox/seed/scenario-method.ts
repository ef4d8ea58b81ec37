import type { Hyperparameters, PlannedMethod } from '../simulation/method.ts';
import type { Random } from '../simulation/random.ts';
import { GRADERS, SUMMARY_FORMAT } from './scenario-graders.ts';

/** A method. The type of a grader stands for reinforcement with this grader. */
export type MethodKind = 'supervised' | 'dpo' | keyof typeof GRADERS;

/** Draws a method with hyperparameters, most of them requested as "auto". Those of `fixed` are not drawn. */
export function drawMethod(
  kind: MethodKind,
  random: Random,
  fixed: Partial<Hyperparameters<number>> = {},
): PlannedMethod {
  const numberOrAuto = (value: number): number | 'auto' => (random.chance(0.3) ? value : 'auto');

  const resolved = {
    n_epochs: random.int(2, 4),
    batch_size: random.pick([1, 2, 4, 8, 16]),
    learning_rate_multiplier: random.pick([0.1, 0.5, 1.8, 2]),
    ...fixed,
  };
  const requested = {
    n_epochs: numberOrAuto(resolved.n_epochs),
    batch_size: numberOrAuto(resolved.batch_size),
    learning_rate_multiplier: numberOrAuto(resolved.learning_rate_multiplier),
  };
  if (kind === 'supervised') return { type: 'supervised', requested, resolved };

  if (kind === 'dpo') {
    const beta = random.pick([0.1, 0.2, 0.5]);
    return { type: 'dpo', requested: { ...requested, beta: numberOrAuto(beta) }, resolved: { ...resolved, beta } };
  }

  const reinforcement = { compute_multiplier: 1, eval_interval: random.int(2, 10), eval_samples: random.int(1, 4) };
  const reasoning_effort = random.pick(['default', 'low', 'medium', 'high']);
  return {
    type: 'reinforcement',
    requested: {
      ...requested,
      compute_multiplier: 'auto',
      eval_interval: numberOrAuto(reinforcement.eval_interval),
      eval_samples: numberOrAuto(reinforcement.eval_samples),
      reasoning_effort,
    },
    resolved: { ...resolved, ...reinforcement, reasoning_effort },
    grader: GRADERS[kind],
    ...(kind === 'score_model' && { extra: { response_format: SUMMARY_FORMAT } }),
  };
}
