import type { Invalidations } from '../invalidations.ts';

/** For one process: there are no other replicas. */
export const noInvalidations: Invalidations = { publish() {}, follow: () => () => {} };
