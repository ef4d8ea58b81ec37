import type { JobError } from '../../upstream/resources/job-parts.ts';
import type { Account } from '../simulation/account.ts';
import type { JobPlan } from '../simulation/job-plan.ts';
import { createLifecycle, drawDurations } from '../simulation/lifecycle.ts';
import type { PlannedMethod } from '../simulation/method.ts';
import { createRandom, type Random } from '../simulation/random.ts';
import type { FileValidation } from '../training-file/file-validation.ts';
import type { TunableModel } from './base-model-lookup.ts';
import type { CreateRequest, RequestedMethod } from './create-request.ts';
import { resolveHyperparameters } from './hyperparameter.ts';

/** Inputs of a new job besides the request. */
export interface PlanContext {
  readonly account: Account;
  readonly speed: number;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Different for each job. */
  readonly number: number;
  readonly tunable: TunableModel;
  readonly training: FileValidation;
  readonly validation: FileValidation | null;
}

const CHARACTERS_PER_TOKEN = 4;

/** Plans the job of a create request: it fails when a file is invalid, and succeeds unless a client stops it. */
export function planCreatedJob(request: CreateRequest, context: PlanContext): JobPlan {
  const { account, speed, now, number, tunable, training, validation } = context;
  const random = createRandom(account.organizationId, 'created', now, number);
  const durations = drawDurations(random, speed);
  const method = planMethod(request.method, training.examples, random);
  const error = training.error ?? validation?.error ?? tooManySteps(method, training.examples);
  const { n_epochs } = method.resolved;
  const suffix = (request.suffix ?? '').toLowerCase().replace(/[^a-z\d_-]/g, '-');
  return {
    ...createLifecycle(now, error ? ['failed'] : ['queued', 'running', 'succeeded'], durations),
    id: `ftjob-${random.text(24)}`,
    organizationId: account.organizationId,
    model: tunable.model,
    suffix: request.suffix,
    seed: request.seed ?? random.int(0, 2 ** 31 - 1),
    trainingFile: request.trainingFile,
    trainingFileDeletedAt: null,
    validationFile: request.validationFile,
    fileStem: '',
    examples: training.examples,
    finalLoss: random.between(0.3, 0.9),
    trainingMs: Math.max(durations.running - 8 * durations.second, 1),
    secondMs: durations.second,
    method,
    metadata: request.metadata,
    integrations: request.integrations,
    evalId: method.type === 'reinforcement' ? `eval_${random.text(32)}` : null,
    error,
    results: {
      model: `ft:${tunable.base}:${account.organization}:${suffix}:${random.text(8)}`,
      resultFile: `file-${random.text(22)}`,
      trainedTokens: Math.ceil(training.characters / CHARACTERS_PER_TOKEN) * n_epochs,
    },
    request: { extra: request.extra },
  };
}

function planMethod(method: RequestedMethod, examples: number, random: Random): PlannedMethod {
  const { type, hyperparameters, grader, extra } = method;
  // readHyperparameters has checked that a method has all of its numbers and no others.
  const requested = hyperparameters.numbers;
  const resolved = resolveHyperparameters(hyperparameters, examples, random);
  if (type !== 'reinforcement') return { type, requested, resolved, extra } as unknown as PlannedMethod;
  const reasoning_effort = hyperparameters.reasoningEffort;
  return {
    type,
    requested: { ...requested, reasoning_effort },
    resolved: { ...resolved, reasoning_effort },
    grader,
    extra,
  } as unknown as PlannedMethod;
}

const MAX_STEPS = 20_000;

/** A limit of the sandbox only: the event log has an event for each step. */
function tooManySteps({ resolved: { batch_size, n_epochs } }: PlannedMethod, examples: number): JobError | null {
  const steps = Math.ceil(examples / batch_size) * n_epochs;
  if (steps <= MAX_STEPS) return null;
  const message = `The job failed because it would take ${steps} steps, and this sandbox trains ${MAX_STEPS} at most. Choose a larger batch size.`;
  return { code: 'too_many_steps', message, param: 'training_file' };
}
