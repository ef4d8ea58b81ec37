import type { Account } from '../simulation/account.ts';
import type { JobPlan } from '../simulation/job-plan.ts';
import { createLifecycle, type Durations } from '../simulation/lifecycle.ts';
import type { Random } from '../simulation/random.ts';
import { isFailure, type JobOutcome, STATUS_PATHS } from './job-outcome.ts';
import type { Scenario } from './scenario.ts';
import { drawMethod } from './scenario-method.ts';

/** One job of a campaign: when it begins, what becomes of it and how long each status lasts. */
interface JobSeed {
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly outcome: JobOutcome;
  readonly lasts: Durations;
}

/** Plans a job; all that the campaign does not say is drawn from `random`. */
export function planJob(campaign: Scenario, account: Account, seed: JobSeed, random: Random): JobPlan {
  const { model, suffix, metadata, wandbProject, validationFile, examples, trainingTokens } = campaign;
  const { createdAt, outcome, lasts } = seed;
  const { path, error = null } = STATUS_PATHS[outcome];
  const lifecycle = createLifecycle(createdAt, path, lasts);
  const method = drawMethod(campaign.method, random, campaign.steps);
  return {
    ...lifecycle,
    id: `ftjob-${random.text(24)}`,
    organizationId: account.organizationId,
    model,
    suffix,
    seed: random.int(0, 2 ** 31 - 1),
    trainingFile: hasOwnFile(outcome) ? `file-${random.text(22)}` : campaign.trainingFile,
    trainingFileDeletedAt: deletionAfter(outcome, lifecycle.changes.at(-1)?.at ?? createdAt, lasts),
    validationFile,
    fileStem: campaign.fileStem ?? suffix ?? 'examples',
    examples,
    method,
    metadata,
    integrations: wandbProject === null ? [] : [{ project: wandbProject, name: null, entity: null, tags: [] }],
    evalId: method.type === 'reinforcement' ? `eval_${random.text(32)}` : null,
    error,
    finalLoss: campaign.finalLoss ?? 0,
    yields: {
      model: `ft:${model}:${account.organization}:${suffix ?? ''}:${random.text(8)}`,
      resultFile: `file-${random.text(22)}`,
      trainedTokens: trainingTokens * method.resolved.n_epochs,
    },
    trainingMs: drawTraining(outcome, lasts, random),
    secondMs: lasts.second,
  };
}

// A bad or deleted file was not used again.
const hasOwnFile = (outcome: JobOutcome) => isFailure(outcome) || outcome === 'succeeded_file_deleted';

/** When the training file is deleted: in time to end a job that still validates it, or an hour after a success. */
function deletionAfter(outcome: JobOutcome, end: number, { second }: Durations): number | null {
  if (outcome === 'deleted_training_file') return end;
  return outcome === 'succeeded_file_deleted' ? end + 3600 * second : null;
}

/**
 * How long all steps take: of a job that succeeds some seconds less than it runs (docs/upstream.md: Event log), of one that is
 * stopped more than it ran, and of one that runs for good a month.
 */
function drawTraining(outcome: JobOutcome, { running, second }: Durations, random: Random): number {
  if (outcome === 'running') return 30 * 86_400_000;
  if (outcome === 'succeeded' || outcome === 'succeeded_file_deleted') return running - 8 * second;
  return running / random.between(0.3, 0.9);
}
