import type { JobBody } from '../upstream/job.ts';

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
export type Method =
  | {
      readonly type: 'supervised';
      readonly asked: Hyperparameters<number | 'auto'>;
      readonly resolved: Hyperparameters<number>;
    }
  | {
      readonly type: 'dpo';
      readonly asked: DpoHyperparameters<number | 'auto'>;
      readonly resolved: DpoHyperparameters<number>;
    }
  | {
      readonly type: 'reinforcement';
      readonly asked: ReinforcementHyperparameters<number | 'auto'>;
      readonly resolved: ReinforcementHyperparameters<number>;
      readonly grader: object;
      /** No schema declares it, but the guide uses it and servers return it (UPSTREAM.md 1.2). */
      readonly responseFormat: object | undefined;
    };

/**
 * A job's `method`, and the deprecated `hyperparameters` that repeat it for a supervised job, are null for DPO and
 * absent for reinforcement (UPSTREAM.md 1.4). The numbers show once training has begun.
 */
export function methodMembers(method: Method, hasBegun: boolean): Pick<JobBody, 'method' | 'hyperparameters'> {
  switch (method.type) {
    case 'supervised': {
      const hyperparameters = hasBegun ? method.resolved : method.asked;
      return { hyperparameters, method: { type: 'supervised', supervised: { hyperparameters } } };
    }
    case 'dpo': {
      const hyperparameters = hasBegun ? method.resolved : method.asked;
      return { hyperparameters: null, method: { type: 'dpo', dpo: { hyperparameters } } };
    }
    case 'reinforcement': {
      const hyperparameters = hasBegun ? method.resolved : method.asked;
      const { grader, responseFormat } = method;
      const reinforcement = { grader, hyperparameters, response_format: responseFormat };
      return { method: { type: 'reinforcement', reinforcement } };
    }
  }
}
