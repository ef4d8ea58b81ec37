import type { JobBody } from '../../upstream/resources/job.ts';

/** `N` is a number, or a number that may still be "auto". */
export interface Hyperparameters<N> {
  readonly n_epochs: N;
  readonly batch_size: N;
  readonly learning_rate_multiplier: N;
}
export interface DpoHyperparameters<N> extends Hyperparameters<N> {
  readonly beta: N;
}
export interface ReinforcementHyperparameters<N> extends Hyperparameters<N> {
  readonly compute_multiplier: N;
  readonly eval_interval: N;
  readonly eval_samples: N;
  readonly reasoning_effort: string;
}

/** How a job trains: what its creator asked for, and the numbers that training will really use. */
export type PlannedMethod =
  | {
      readonly type: 'supervised';
      readonly asked: Hyperparameters<number | 'auto'>;
      readonly resolved: Hyperparameters<number>;
      readonly unknown?: object;
    }
  | {
      readonly type: 'dpo';
      readonly asked: DpoHyperparameters<number | 'auto'>;
      readonly resolved: DpoHyperparameters<number>;
      readonly unknown?: object;
    }
  | {
      readonly type: 'reinforcement';
      readonly asked: ReinforcementHyperparameters<number | 'auto'>;
      readonly resolved: ReinforcementHyperparameters<number>;
      readonly grader: object;
      /** Such as `response_format`, which no schema declares but servers return (docs/upstream.md: Creating a job). */
      readonly unknown?: object;
    };

/**
 * A job's `method`, and the deprecated `hyperparameters` that repeat it for a supervised job, are null for DPO and
 * absent for reinforcement (docs/upstream.md: Objects). The numbers show once training has begun.
 */
export function methodMembers(method: PlannedMethod, hasBegun: boolean): Pick<JobBody, 'method' | 'hyperparameters'> {
  switch (method.type) {
    case 'supervised': {
      const hyperparameters = hasBegun ? method.resolved : method.asked;
      return { hyperparameters, method: { type: 'supervised', supervised: { ...method.unknown, hyperparameters } } };
    }
    case 'dpo': {
      const hyperparameters = hasBegun ? method.resolved : method.asked;
      return { hyperparameters: null, method: { type: 'dpo', dpo: { ...method.unknown, hyperparameters } } };
    }
    case 'reinforcement': {
      const hyperparameters = hasBegun ? method.resolved : method.asked;
      const { grader, unknown } = method;
      const reinforcement = { grader, hyperparameters, ...unknown };
      return { method: { type: 'reinforcement', reinforcement } };
    }
  }
}
