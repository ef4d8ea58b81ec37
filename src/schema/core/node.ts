import { builder } from './builder.ts';

/** Everything that `node` can fetch by its id alone. */
export const Node = builder.interfaceRef<{ id: string }>('Node').implement({
  description: 'An object that `node` and `nodes` can fetch by its id alone.',
  resolveType: (object) => ('raw' in object ? 'FineTuningJob' : 'purpose' in object ? 'File' : 'Model'),
  fields: (t) => ({
    id: t.exposeID('id', {
      nullable: false,
      description: 'The id of the upstream, unchanged, such as `ftjob-abc123`, `file-abc123` or `gpt-4.1-mini`.',
    }),
  }),
});
