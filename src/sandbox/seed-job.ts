import type { Account } from './account.ts';
import type { JobPlan } from './job.ts';
import { createLife, type Durations } from './lifecycle.ts';
import type { Random } from './random.ts';
import type { Campaign } from './seed-campaign.ts';
import { COURSES, type Fate, isFailure } from './seed-fate.ts';
import { drawMethod } from './seed-method.ts';

/** One job of a campaign: when it begins, what becomes of it and how long each status lasts. */
interface JobSeed {
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly fate: Fate;
  readonly lasts: Durations;
}

/** Plans a job; all that the campaign does not say is drawn from `random`. */
export function planJob(
  campaign: Campaign,
  account: Account,
  { createdAt, fate, lasts }: JobSeed,
  random: Random,
): JobPlan {
  const { model, suffix, metadata, wandbProject, validationFile, trainingTokens } = campaign;
  const { path, error = null } = COURSES[fate];
  const method = drawMethod(campaign.method, random);
  return {
    ...createLife(createdAt, path, lasts),
    id: `ftjob-${random.text(24)}`,
    organizationId: account.organizationId,
    model,
    suffix,
    seed: random.int(0, 2 ** 31 - 1),
    trainingFile: isFailure(fate) ? `file-${random.text(22)}` : campaign.trainingFile, // The bad file was not used again.
    validationFile,
    method,
    metadata,
    wandbProject,
    evalId: method.type === 'reinforcement' ? `eval_${random.text(32)}` : null,
    error,
    yields: {
      model: `ft:${model}:${account.organization}:${suffix ?? ''}:${random.text(8)}`,
      resultFile: `file-${random.text(22)}`,
      trainedTokens: trainingTokens * method.resolved.n_epochs,
    },
  };
}
