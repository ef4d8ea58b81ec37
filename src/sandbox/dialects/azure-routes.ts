import { wrongStatus } from '../api/api-error.ts';
import { findJob } from '../routes/job.ts';
import type { ApiRequest } from '../routes/route.ts';
import { statusAt } from '../simulation/lifecycle.ts';
import type { State } from '../state/state.ts';

const ENDS = ['succeeded', 'failed', 'cancelled'];

/** Only Azure deletes jobs (docs/upstream.md: Other servers): those that have come to their end; what it says of others is not known. */
export function deleteJob({ now }: ApiRequest, state: State, id: string): object {
  const status = statusAt(findJob(state, id, now), now);
  if (!ENDS.includes(status)) throw wrongStatus(id, 'deleted', status);
  state.writes.remove(id);
  return { object: 'fine_tuning.job', id, deleted: true };
}
