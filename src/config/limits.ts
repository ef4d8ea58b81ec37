import { z } from 'zod';
import type { Limits } from '../server/limits/query-limits.ts';
import { groupDocs, settingDocs } from './types/setting-docs.ts';
import { integer } from './types/setting-types.ts';

const MIB = 1024 * 1024;

const query = {
  MAX_QUERY_DEPTH: integer(0, 1000).default(15).register(settingDocs, {
    description: 'Maximum nesting of fields.',
    unit: 'levels',
  }),
  MAX_QUERY_ALIASES: integer(0, 10_000).default(30).register(settingDocs, {
    description: 'Maximum number of aliases.',
  }),
  MAX_QUERY_TOKENS: integer(0, 1_000_000).default(5000).register(settingDocs, {
    description: 'Maximum number of tokens of the document.',
  }),
  MAX_QUERY_DIRECTIVES: integer(0, 10_000).default(50).register(settingDocs, {
    description: 'Maximum number of directives.',
  }),
  MAX_QUERY_ROOT_FIELDS: integer(0, 10_000).default(20).register(settingDocs, {
    description: 'Maximum number of fields of `Query`.',
  }),
  MAX_INTROSPECTION_DEPTH: integer(0, 3).default(2).register(settingDocs, {
    description: 'Maximum nesting of lists of types or fields in an introspection query.',
    unit: 'levels',
  }),
  MAX_QUERY_COST: integer(0, 1_000_000_000).default(5000).register(settingDocs, {
    description:
      'Maximum cost: one point for each upstream call that the operation can cause with an empty cache, and one for 100 objects. Upstream calls beyond that cost one point each, up to this maximum. With `"extensions": {"cost": true}` in the request, the response has the cost.',
    unit: 'points',
  }),
  MAX_VARIABLES_BYTES: integer(0, 1_048_576).default(100_000).register(settingDocs, {
    description: 'Maximum size of the variables as JSON.',
    unit: 'bytes',
  }),
  MAX_RESPONSE_BYTES: integer(0, 256 * MIB)
    .default(16 * MIB)
    .register(settingDocs, {
      description:
        'Maximum size of a response, or of one result of a subscription, as JSON. A larger one is replaced by the error; what a mutation did remains done.',
      unit: 'bytes',
    }),
};

const rate = {
  RATE_LIMIT_PER_MINUTE: integer(0, 1_000_000_000).default(20_000).register(settingDocs, {
    description:
      'Maximum points that one caller spends per minute, on all replicas together. Past it, requests get status 429, and events of subscriptions wait for the upstream calls that they need. A point is an upstream call in the worst case: more than 600 times `UPSTREAM_MAX_RPS` causes a warning.',
    unit: 'points',
  }),
  CALLERS_PER_ADDRESS: integer(0, 1_000_000).default(10).register(settingDocs, {
    description:
      'For `AUTH=passthrough`: the keys of one client address together spend at most the points of this many callers. Keys that the upstream has not accepted yet count as one caller. Use 0 behind a proxy that `TRUST_PROXY` does not name.',
    unit: 'callers',
  }),
};

export const limits = z
  .object({ ...query, ...rate })
  .register(groupDocs, {
    title: 'Limits',
    intro:
      'Limits of one operation, and of one caller. Past a limit of an operation nothing runs (except for MAX_RESPONSE_BYTES), and the error has the code `QUERY_TOO_COMPLEX`. 0 turns a limit off.',
  })
  .transform((values): Limits => {
    const pointsPerMinute = orInfinity(values.RATE_LIMIT_PER_MINUTE);
    return {
      depth: orInfinity(values.MAX_QUERY_DEPTH),
      aliases: orInfinity(values.MAX_QUERY_ALIASES),
      tokens: orInfinity(values.MAX_QUERY_TOKENS),
      directives: orInfinity(values.MAX_QUERY_DIRECTIVES),
      rootFields: orInfinity(values.MAX_QUERY_ROOT_FIELDS),
      introspectionLists: orInfinity(values.MAX_INTROSPECTION_DEPTH),
      cost: Math.min(orInfinity(values.MAX_QUERY_COST), pointsPerMinute), // No caller can ever have a larger budget.
      variablesBytes: orInfinity(values.MAX_VARIABLES_BYTES),
      responseBytes: orInfinity(values.MAX_RESPONSE_BYTES),
      pointsPerMinute,
      callersPerAddress: orInfinity(values.CALLERS_PER_ADDRESS),
    };
  });

const orInfinity = (value: number) => (value === 0 ? Number.POSITIVE_INFINITY : value);
