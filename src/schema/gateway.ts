import type { GatewayFacts } from '../request/context.ts';
import { builder } from './core/builder.ts';

const Gateway = builder.objectRef<GatewayFacts>('Gateway').implement({
  description: 'This gateway: what a user interface shows in its corner.',
  fields: (t) => ({
    version: t.exposeString('version', { nullable: false, description: 'Its version, by semantic versioning.' }),
    isSandbox: t.exposeBoolean('isSandbox', {
      nullable: false,
      description: 'Whether the jobs are made up by the built-in sandbox.',
    }),
    upstreamName: t.exposeString('upstreamName', {
      nullable: false,
      description:
        'Who answers behind it, for people to read: `OpenAI`, `sandbox`, or the host name of another server.',
    }),
  }),
});

builder.queryField('gateway', (t) =>
  t.field({
    type: Gateway,
    nullable: false,
    description: 'This gateway itself. Costs no upstream call.',
    resolve: (_root, _args, { gateway }) => gateway,
  }),
);
