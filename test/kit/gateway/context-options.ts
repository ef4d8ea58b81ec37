import type { ContextDependencies } from '../../../src/request/context.ts';

/** Options of the contexts of a server that a test composes itself. */
export const CONTEXT_OPTIONS: Pick<ContextDependencies, 'gateway' | 'maxResponseBytes'> = {
  gateway: {
    version: '0',
    isSandbox: true,
    upstreamName: 'test',
    limits: 'openai',
    hyperparameters: 'method',
    prices: [],
  },
  maxResponseBytes: 1_000_000,
};
