import { wrongStatus } from './errors.ts';
import { statusAt } from './lifecycle.ts';
import type { ApiRequest } from './request.ts';
import { findJob } from './route-job.ts';
import type { State } from './state.ts';

const ENDS = ['succeeded', 'failed', 'cancelled'];

/** Only Azure deletes jobs (UPSTREAM.md 5): those that have come to their end; what it says of others is not known. */
export function deleteJob({ now }: ApiRequest, state: State, id: string): object {
  const status = statusAt(findJob(state, id, now), now);
  if (!ENDS.includes(status)) throw wrongStatus(id, 'deleted', status);
  state.ledger.remove(id);
  return { object: 'fine_tuning.job', id, deleted: true };
}
