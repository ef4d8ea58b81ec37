import { wrongStatus } from '../api/api-error.ts';
import { CANCELLABLE, cancelled, PAUSABLE, paused, RESUMABLE, resumed } from '../simulation/intervention.ts';
import { type JobPlan, jobBody } from '../simulation/job-plan.ts';
import { type JobStatus, statusAt } from '../simulation/lifecycle.ts';
import { findJob } from './job.ts';
import type { Handler } from './route.ts';

/** An intervention, as clients ask for it. `deed` is what cannot be done in other statuses. */
function control(
  statuses: readonly JobStatus[],
  deed: string,
  intervene: (plan: JobPlan, now: number) => JobPlan,
): Handler {
  return ({ now }, state, id) => {
    const plan = findJob(state, id, now);
    const status = statusAt(plan, now);
    if (!statuses.includes(status)) throw wrongStatus(id, deed, status === 'cancelling' ? 'cancelled' : status);
    const changed = intervene(plan, now);
    state.writes.replacePlan(changed);
    return jobBody(changed, now);
  };
}

export const cancelJob = control(CANCELLABLE, 'cancelled', cancelled);
export const pauseJob = control(PAUSABLE, 'paused', paused);
export const resumeJob = control(RESUMABLE, 'resumed', resumed);
