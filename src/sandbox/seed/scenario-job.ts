import type { Account } from '../simulation/account.ts';
import type { JobPlan } from '../simulation/job-plan.ts';
import { createLifecycle, type Durations } from '../simulation/lifecycle.ts';
import type { Random } from '../simulation/random.ts';
import { isFailure, type JobOutcome, STATUS_PATHS } from './job-outcome.ts';
import type { Scenario } from './scenario.ts';
import { drawMethod } from './scenario-method.ts';

/** The part of a plan that differs between the jobs of a scenario. */
interface JobSchedule {
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly outcome: JobOutcome;
  readonly durations: Durations;
}

/** Plans a job of a scenario. Draws from `random` what the scenario does not specify. */
export function planJob(scenario: Scenario, account: Account, schedule: JobSchedule, random: Random): JobPlan {
  const { model, suffix, metadata, wandbProject, validationFile, examples, trainingTokens } = scenario;
  const { createdAt, outcome, durations } = schedule;
  const { path, error = null } = STATUS_PATHS[outcome];
  const lifecycle = createLifecycle(createdAt, path, durations);
  const method = drawMethod(scenario.method, random, scenario.steps);
  return {
    ...lifecycle,
    id: `ftjob-${random.text(24)}`,
    organizationId: account.organizationId,
    model,
    suffix,
    seed: random.int(0, 2 ** 31 - 1),
    trainingFile: hasOwnFile(outcome) ? `file-${random.text(22)}` : scenario.trainingFile,
    trainingFileDeletedAt: fileDeletedAt(outcome, lifecycle.changes.at(-1)?.at ?? createdAt, durations),
    validationFile,
    fileStem: scenario.fileStem ?? suffix ?? 'examples',
    examples,
    method,
    metadata,
    integrations: wandbProject === null ? [] : [{ project: wandbProject, name: null, entity: null, tags: [] }],
    evalId: method.type === 'reinforcement' ? `eval_${random.text(32)}` : null,
    error,
    finalLoss: scenario.finalLoss ?? 0,
    results: {
      model: `ft:${model}:${account.organization}:${suffix ?? ''}:${random.text(8)}`,
      resultFile: `file-${random.text(22)}`,
      trainedTokens: trainingTokens * method.resolved.n_epochs,
    },
    trainingMs: drawTrainingMs(outcome, durations, random),
    secondMs: durations.second,
  };
}

// The other jobs of a scenario cannot use an invalid or deleted file.
const hasOwnFile = (outcome: JobOutcome) => isFailure(outcome) || outcome === 'succeeded_file_deleted';

/** The deletion of the training file: it ends a job that validates the file, or follows a success by an hour at speed 1. */
function fileDeletedAt(outcome: JobOutcome, lastChangeAt: number, { second }: Durations): number | null {
  if (outcome === 'deleted_training_file') return lastChangeAt;
  return outcome === 'succeeded_file_deleted' ? lastChangeAt + 3600 * second : null;
}

/**
 * Draws the duration of all steps. A job that succeeds runs some seconds longer (docs/upstream.md: Event log). One that
 * stops early runs shorter, and one that stays in `running` has a month of steps.
 */
function drawTrainingMs(outcome: JobOutcome, { running, second }: Durations, random: Random): number {
  if (outcome === 'running') return 30 * 86_400_000;
  if (outcome === 'succeeded' || outcome === 'succeeded_file_deleted') return running - 8 * second;
  return running / random.between(0.3, 0.9);
}
