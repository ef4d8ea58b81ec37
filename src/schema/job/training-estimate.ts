import type { Loaders } from '../../request/loaders.ts';
import type { Job } from '../../upstream/resources/job.ts';
import { hyperparametersOf, methodOf } from '../../upstream/resources/job-parts.ts';
import type { Hyperparameters, Method } from '../../upstream/resources/method.ts';
import { tokenizerOf } from '../../upstream/tokens/tokenizer.ts';
import type { TokenEstimate } from '../../upstream/training-data/example-tokens.ts';
import { builder } from '../core/builder.ts';
import { cost } from '../core/field-cost.ts';
import { costOf, EstimatedCost, type TrainingPlan, trainingTokens } from '../file/token-estimate.ts';
import { VALIDATION_WEIGHT } from '../file/training-report.ts';
import { FineTuningJob } from './job.ts';

const READS_FILE =
  'The gateway reads the whole training file once, unless it is cached, so a large file takes time. Requires the role `operator`.';
const NO_TOKENS =
  'when the number of epochs is still "auto", when the tokenizer of the base model is not known, and when the training file has errors or was deleted';

builder.objectFields(FineTuningJob, (t) => ({
  estimatedTrainingTokens: t.field({
    type: 'SafeInt',
    description: `An estimate of the tokens of all epochs: those of the training file times the epochs of the job. For a file of more than 1 MiB it is based on a sample: \`checkTrainingFile\` reports its error. \`trainedTokens\` has what the upstream counted. Null ${NO_TOKENS}. ${READS_FILE}`,
    authScopes: { operator: true },
    extensions: cost({ calls: 1, weight: () => VALIDATION_WEIGHT }),
    resolve: async (job, _, { loaders }) => {
      const plan = planOf(job);
      return trainingTokens(await readTokens(job, plan, loaders), plan);
    },
  }),
  estimatedCost: t.field({
    type: EstimatedCost,
    description: `An estimate of the cost of the job: \`estimatedTrainingTokens\` at the price of its base model and method in the PRICES_FILE of the gateway. Null when no price is known, for reinforcement, which is billed by time, ${NO_TOKENS}. ${READS_FILE}`,
    authScopes: { operator: true },
    extensions: cost({ calls: 1, weight: () => VALIDATION_WEIGHT }),
    resolve: async (job, _, { loaders, gateway: { prices } }) => {
      if (prices.length === 0) return null;
      const plan = planOf(job);
      return costOf(await readTokens(job, plan, loaders), plan, prices);
    },
  }),
}));

/** Calls no upstream when the training has no number of epochs or no known tokenizer. */
async function readTokens(job: Job, { nEpochs }: TrainingPlan, loaders: Loaders): Promise<TokenEstimate | null> {
  const tokenizer = tokenizerOf(job.model);
  if (nEpochs === null || tokenizer === null || !job.training_file) return null;
  const report = await loaders.trainingReport(job.training_file, tokenizer);
  return report?.estimatedTokens ?? null;
}

/** Jobs without a method are supervised (docs/upstream.md: Hyperparameters). */
function planOf(job: Job): TrainingPlan {
  const method = methodOf(job);
  const { n_epochs: nEpochs } = ownHyperparameters(method) ?? hyperparametersOf(job) ?? {};
  return {
    modelId: job.model,
    method: method?.type ?? 'supervised',
    nEpochs: typeof nEpochs === 'number' && nEpochs > 0 ? nEpochs : null,
  };
}

function ownHyperparameters(method: Method | null): Hyperparameters | null | undefined {
  return (method?.supervised ?? method?.dpo ?? method?.reinforcement)?.hyperparameters;
}
