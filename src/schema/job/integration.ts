import type { Integration } from '../../upstream/resources/job-parts.ts';
import { builder } from '../core/builder.ts';
import { openEnum } from '../core/open-enum.ts';

const integrationType = openEnum('FineTuningJobIntegrationType', {
  description: 'Where a job reports to while it trains.',
  values: { WANDB: { description: 'Weights & Biases.' } },
});

// One that names wandb but carries no settings has nothing that the typed object could show.
const isWandb = ({ type, wandb }: Integration) => type === 'wandb' && wandb !== null;

export const IntegrationInterface = builder.interfaceRef<Integration>('FineTuningJobIntegration').implement({
  description: 'A place that a job reports to while it trains.',
  resolveType: (integration) =>
    isWandb(integration) ? 'FineTuningJobWandbIntegration' : 'FineTuningJobUnknownIntegration',
  fields: (t) => ({
    type: t.field({
      type: integrationType.type,
      nullable: false,
      description: 'Which service.',
      resolve: ({ type }) => integrationType.read(type),
    }),
    rawType: t.string({
      nullable: false,
      description: '`type` as the upstream spells it.',
      resolve: ({ type }) => type,
    }),
  }),
});

builder.objectRef<Integration>('FineTuningJobWandbIntegration').implement({
  description: 'A run in Weights & Biases.',
  interfaces: [IntegrationInterface],
  fields: (t) => ({
    project: t.string({ description: 'The project of the run.', resolve: ({ wandb }) => wandb?.project }),
    name: t.string({ description: "The run's name; null for the job's id.", resolve: ({ wandb }) => wandb?.name }),
    entity: t.string({
      description: 'The team or user of the run; null for the default.',
      resolve: ({ wandb }) => wandb?.entity,
    }),
    tags: t.stringList({ nullable: false, description: "The run's tags.", resolve: ({ wandb }) => wandb?.tags ?? [] }),
    runId: t.string({ description: "The run's id; null until there is one.", resolve: ({ wandb }) => wandb?.run_id }),
  }),
});

builder.objectRef<Integration>('FineTuningJobUnknownIntegration').implement({
  description: 'An integration that this version does not know; `raw` of the job has it whole.',
  interfaces: [IntegrationInterface],
});
