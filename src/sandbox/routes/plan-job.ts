import type { JobError } from '../../upstream/resources/job-parts.ts';
import type { Account } from '../simulation/account.ts';
import type { JobPlan } from '../simulation/job-plan.ts';
import { createLifecycle, drawDurations } from '../simulation/lifecycle.ts';
import type { PlannedMethod } from '../simulation/method.ts';
import { createRandom, type Random } from '../simulation/random.ts';
import type { FileValidation } from '../training-file/file-validation.ts';
import type { TunableModel } from './base-model-lookup.ts';
import type { AskedMethod, CreateRequest } from './create-request.ts';
import { resolve } from './hyperparameter.ts';

/** All that a new job follows from beside what was asked for. */
export interface PlanContext {
  readonly account: Account;
  readonly speed: number;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Another one for each job. */
  readonly number: number;
  readonly tunable: TunableModel;
  readonly training: FileValidation;
  readonly validation: FileValidation | null;
}

const CHARACTERS_PER_TOKEN = 4;

/** The life of a job that a client asks for: it fails by its files, or it succeeds unless somebody stops it. */
export function planCreated(asked: CreateRequest, occasion: PlanContext): JobPlan {
  const { account, speed, now, number, tunable, training, validation } = occasion;
  const random = createRandom(account.organizationId, 'created', now, number);
  const lasts = drawDurations(random, speed);
  const method = resolved(asked.method, training.examples, random);
  const error = training.error ?? validation?.error ?? tooManySteps(method, training.examples);
  const { n_epochs } = method.resolved;
  const suffix = (asked.suffix ?? '').toLowerCase().replace(/[^a-z\d_-]/g, '-');
  return {
    ...createLifecycle(now, error ? ['failed'] : ['queued', 'running', 'succeeded'], lasts),
    id: `ftjob-${random.text(24)}`,
    organizationId: account.organizationId,
    model: tunable.model,
    suffix: asked.suffix,
    seed: asked.seed ?? random.int(0, 2 ** 31 - 1),
    trainingFile: asked.trainingFile,
    trainingFileDeletedAt: null,
    validationFile: asked.validationFile,
    fileStem: '',
    examples: training.examples,
    finalLoss: random.between(0.3, 0.9),
    trainingMs: Math.max(lasts.running - 8 * lasts.second, 1),
    secondMs: lasts.second,
    method,
    metadata: asked.metadata,
    integrations: asked.integrations,
    evalId: method.type === 'reinforcement' ? `eval_${random.text(32)}` : null,
    error,
    yields: {
      model: `ft:${tunable.base}:${account.organization}:${suffix}:${random.text(8)}`,
      resultFile: `file-${random.text(22)}`,
      trainedTokens: Math.ceil(training.characters / CHARACTERS_PER_TOKEN) * n_epochs,
    },
    request: { unknown: asked.unknown },
  };
}

function resolved({ type, asked, grader, unknown }: AskedMethod, examples: number, random: Random): PlannedMethod {
  // Each method has the numbers that its reader has just checked: all of them, and no other.
  const numbers = { asked: asked.numbers, resolved: resolve(asked, examples, random) };
  if (type !== 'reinforcement') return { type, ...numbers, unknown } as unknown as PlannedMethod;
  const { reasoningEffort: reasoning_effort } = asked;
  return {
    type,
    asked: { ...numbers.asked, reasoning_effort },
    resolved: { ...numbers.resolved, reasoning_effort },
    grader,
    unknown,
  } as unknown as PlannedMethod;
}

const MAX_STEPS = 20_000;

/** A limit of the sandbox alone: the log of a job has a line for each step. */
function tooManySteps({ resolved: { batch_size, n_epochs } }: PlannedMethod, examples: number): JobError | null {
  const steps = Math.ceil(examples / batch_size) * n_epochs;
  if (steps <= MAX_STEPS) return null;
  const message = `The job failed because it would take ${steps} steps, and this sandbox trains ${MAX_STEPS} at most. Choose a larger batch size.`;
  return { code: 'too_many_steps', message, param: 'training_file' };
}
