import { JobStatusError } from '../api/api-error.ts';
import { findJob } from '../routes/job.ts';
import type { ApiRequest } from '../routes/route.ts';
import { statusAt, TERMINAL_STATUSES } from '../simulation/lifecycle.ts';
import type { State } from '../state/state.ts';

/**
 * Deletes a job with a terminal status. Only Azure has this endpoint (docs/upstream.md: Other servers). The error for
 * other statuses is not recorded.
 */
export function deleteJob({ now }: ApiRequest, state: State, id: string): object {
  const status = statusAt(findJob(state, id, now), now);
  if (!TERMINAL_STATUSES.includes(status)) throw new JobStatusError(id, 'delete', status);
  state.writes.remove(id);
  return { object: 'fine_tuning.job', id, deleted: true };
}
