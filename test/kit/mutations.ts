import type { MutationPolicy } from '../../src/mutation-policy.ts';

/** Of a gateway that changes nothing. */
export const NO_MUTATIONS: MutationPolicy = { isAllowed: false, audit: () => {} };
