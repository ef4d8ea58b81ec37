import { JobStatusError } from '../api/api-error.ts';
import { jobBody } from '../artifacts/job.ts';
import { CANCELLABLE, cancelPlan, PAUSABLE, pausePlan, RESUMABLE, resumePlan } from '../simulation/intervention.ts';
import type { JobPlan } from '../simulation/job-plan.ts';
import { type JobStatus, statusAt } from '../simulation/lifecycle.ts';
import { findJob } from './job.ts';
import type { Handler } from './route.ts';

/** Creates the handler of an intervention that is valid in some statuses. `action` is the verb of the error for others. */
function controlJob(
  statuses: readonly JobStatus[],
  action: string,
  changePlan: (plan: JobPlan, now: number) => JobPlan,
): Handler {
  return ({ now }, state, id) => {
    const plan = findJob(state, id, now);
    const status = statusAt(plan, now);
    if (!statuses.includes(status))
      throw new JobStatusError(id, action, status === 'cancelling' ? 'cancelled' : status);
    const changed = changePlan(plan, now);
    state.writes.replacePlan(changed);
    return jobBody(changed, now);
  };
}

export const cancelJob = controlJob(CANCELLABLE, 'cancel', cancelPlan);
export const pauseJob = controlJob(PAUSABLE, 'pause', pausePlan);
export const resumeJob = controlJob(RESUMABLE, 'resume', resumePlan);
