import type { JobBody } from '../../upstream/resources/job.ts';

/** `N` is a number, or a number or "auto" before training. */
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

/** The method of a job: the hyperparameters of the request, and the numbers that training uses. */
export type PlannedMethod =
  | {
      readonly type: 'supervised';
      readonly requested: Hyperparameters<number | 'auto'>;
      readonly resolved: Hyperparameters<number>;
      readonly extra?: object;
    }
  | {
      readonly type: 'dpo';
      readonly requested: DpoHyperparameters<number | 'auto'>;
      readonly resolved: DpoHyperparameters<number>;
      readonly extra?: object;
    }
  | {
      readonly type: 'reinforcement';
      readonly requested: ReinforcementHyperparameters<number | 'auto'>;
      readonly resolved: ReinforcementHyperparameters<number>;
      readonly grader: object;
      /** Undocumented members that servers return, such as `response_format` (docs/upstream.md: Creating a job). */
      readonly extra?: object;
    };

/**
 * Returns `method` and the deprecated `hyperparameters` of a job. The latter are null for DPO and absent for
 * reinforcement (docs/upstream.md: Objects). "auto" becomes a number when training starts.
 */
export function methodMembers(method: PlannedMethod, hasStarted: boolean): Pick<JobBody, 'method' | 'hyperparameters'> {
  switch (method.type) {
    case 'supervised': {
      const hyperparameters = hasStarted ? method.resolved : method.requested;
      return { hyperparameters, method: { type: 'supervised', supervised: { ...method.extra, hyperparameters } } };
    }
    case 'dpo': {
      const hyperparameters = hasStarted ? method.resolved : method.requested;
      return { hyperparameters: null, method: { type: 'dpo', dpo: { ...method.extra, hyperparameters } } };
    }
    case 'reinforcement': {
      const hyperparameters = hasStarted ? method.resolved : method.requested;
      const { grader, extra } = method;
      const reinforcement = { grader, hyperparameters, ...extra };
      return { method: { type: 'reinforcement', reinforcement } };
    }
  }
}
