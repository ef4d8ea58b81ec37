import type { GraphQLSchema } from 'graphql';
import { builder } from './builder.ts';
import './scalars.ts';
import './gateway.ts';
import './job.ts';
import './nodes.ts';

/** The whole graph. */
export function createSchema(): GraphQLSchema {
  return builder.toSchema();
}
