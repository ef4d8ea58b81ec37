import { builder } from './builder.ts';

/** An object that `node` can fetch by its id alone. */
export const Node = builder.interfaceRef<{ id: string }>('Node').implement({
  description: 'An object that `node` and `nodes` can fetch by its id alone: a job, a file or a model.',
  resolveType: (object) => ('raw' in object ? 'FineTuningJob' : 'purpose' in object ? 'File' : 'Model'),
  fields: (t) => ({
    id: t.exposeID('id', {
      nullable: false,
      description:
        'The id of the object in the upstream, unchanged: of a job such as `ftjob-abc123`, of a file such as `file-abc123`, or of a model such as `gpt-4.1-mini`.',
    }),
  }),
});
