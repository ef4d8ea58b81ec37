import type { GatewayFacts } from '../request/context.ts';
import { builder } from './core/builder.ts';

const Gateway = builder.objectRef<GatewayFacts>('Gateway').implement({
  description: 'Facts about this gateway, for example for the status line of a user interface.',
  fields: (t) => ({
    version: t.exposeString('version', {
      nullable: false,
      description: 'The version of the gateway in semantic versioning, such as `0.1.0`.',
    }),
    isSandbox: t.exposeBoolean('isSandbox', {
      nullable: false,
      description: 'Whether the upstream is the built-in sandbox. Its jobs are simulated and cost nothing.',
    }),
    upstreamName: t.exposeString('upstreamName', {
      nullable: false,
      description: 'The name of the upstream for people: `OpenAI`, `sandbox`, or the host name of another server.',
    }),
  }),
});

builder.queryField('gateway', (t) =>
  t.field({
    type: Gateway,
    nullable: false,
    description: 'Facts about this gateway. Costs no upstream call.',
    resolve: (_root, _args, { gateway }) => gateway,
  }),
);
