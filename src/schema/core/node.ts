import { builder } from './builder.ts';

/** What has an id of its own and can be fetched by it. */
export const Node = builder.interfaceRef<{ id: string }>('Node').implement({
  description: 'An object that can be fetched again by its id alone.',
  resolveType: (thing) => ('raw' in thing ? 'FineTuningJob' : 'purpose' in thing ? 'File' : 'Model'),
  fields: (t) => ({
    id: t.exposeID('id', { nullable: false, description: "The upstream's own id, as it is." }),
  }),
});
