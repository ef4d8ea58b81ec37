import type { Integration } from '../../upstream/resources/job-parts.ts';
import { builder } from '../core/builder.ts';
import { openEnum } from '../core/open-enum.ts';

const integrationType = openEnum('FineTuningJobIntegrationType', {
  description: 'The service of an integration.',
  values: { WANDB: { description: 'Weights & Biases (wandb), which shows the metrics of training runs.' } },
});

// Without valid settings, FineTuningJobWandbIntegration has nothing to show.
const isWandb = ({ type, wandb }: Integration) => type === 'wandb' && wandb !== null;

export const IntegrationInterface = builder.interfaceRef<Integration>('FineTuningJobIntegration').implement({
  description: 'An integration: a service that receives the metrics of a job.',
  resolveType: (integration) =>
    isWandb(integration) ? 'FineTuningJobWandbIntegration' : 'FineTuningJobUnknownIntegration',
  fields: (t) => ({
    type: t.field({
      type: integrationType.type,
      nullable: false,
      description:
        'The service that receives the metrics. UNKNOWN for a service that this version of the gateway does not know.',
      resolve: ({ type }) => integrationType.read(type),
    }),
    rawType: t.string({
      nullable: false,
      description: '`type` as the upstream spells it, such as `wandb`.',
      resolve: ({ type }) => type,
    }),
  }),
});

builder.objectRef<Integration>('FineTuningJobWandbIntegration').implement({
  description: 'A run in Weights & Biases that receives the metrics of a job.',
  interfaces: [IntegrationInterface],
  fields: (t) => ({
    project: t.string({
      description: 'The project of the run. Null when the upstream does not report it.',
      resolve: ({ wandb }) => wandb?.project,
    }),
    name: t.string({
      description: 'The display name of the run. Null when it has the default name: the id of the job.',
      resolve: ({ wandb }) => wandb?.name,
    }),
    entity: t.string({
      description:
        'The team or user that owns the run, such as `acme`. Null when it is the default of the Weights & Biases API key.',
      resolve: ({ wandb }) => wandb?.entity,
    }),
    tags: t.stringList({
      nullable: false,
      description: 'The tags of the run, such as `["nightly"]`. Empty when it has none.',
      resolve: ({ wandb }) => wandb?.tags ?? [],
    }),
    runId: t.string({
      description: 'The id of the run. Null until the run exists.',
      resolve: ({ wandb }) => wandb?.run_id,
    }),
  }),
});

builder.objectRef<Integration>('FineTuningJobUnknownIntegration').implement({
  description:
    'An integration of a service that this version of the gateway does not know, or of Weights & Biases without valid settings. `raw` of the job has the whole integration.',
  interfaces: [IntegrationInterface],
});
