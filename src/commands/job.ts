import { isInDoubt } from '../upstream/errors/upstream-error.ts';
import { isName } from '../upstream/http/path.ts';
import type { Job } from '../upstream/resources/job.ts';
import { type ChangeParts, type Changer, callOf } from './command-context.ts';
import type { Made } from './idempotency/create-once.ts';
import { markOf } from './idempotency/idempotency-key.ts';

/** What can be asked of a job that is there. */
export type Steer = 'cancel' | 'pause' | 'resume';

export interface JobChanges {
  /** Makes a job, and under one key of this caller's never two; null for none. Rejects with CapReached, too. */
  create(request: object, key: string | null): Promise<Made>;
  /** The job as it is then, null when there is none. */
  steer(what: Steer, jobId: string): Promise<Job | null>;
  /** The job as it is now, read anew; null when there is none. */
  look(jobId: string): Promise<Job | null>;
}

export function createJobChanges({ upstream, store, creations }: ChangeParts, changer: Changer): JobChanges {
  const { access, name, caller, caps } = changer;
  return {
    create(request, key) {
      const claim = key === null ? null : { credential: access.credential, callerName: name, key, request };
      const spend = <T>(run: (giveBack: () => void) => Promise<T>) => caps.spend('create', run);
      return creations.make({ access, caller, request, mark: claim && markOf(claim), spend });
    },
    async steer(what, jobId) {
      if (!isName(jobId)) return null;
      try {
        const job = await upstream.jobs[what](jobId, callOf(changer));
        return job && store.jobs.put(access, job).value;
      } catch (error) {
        if (isInDoubt(error)) store.jobs.outdate(jobId);
        throw error;
      }
    },
    async look(jobId) {
      return isName(jobId) ? (await store.jobs.look(access, jobId, { caller, cause: 'query' })).value : null;
    },
  };
}
