import { isOutcomeUnknown } from '../upstream/errors/upstream-error.ts';
import { isValidName } from '../upstream/http/path.ts';
import type { Job } from '../upstream/resources/job.ts';
import { type CommandContext, type CommandDependencies, callOf } from './command-context.ts';
import type { CreateResult } from './idempotency/create-once.ts';
import { markOf } from './idempotency/idempotency-key.ts';

/** What can be asked of a job that is there. */
export type JobAction = 'cancel' | 'pause' | 'resume';

export interface JobCommands {
  /** Makes a job, and under one key of this caller's never two; null for none. Rejects with CapReached, too. */
  create(request: object, key: string | null): Promise<CreateResult>;
  /** The job as it is then, null when there is none. */
  control(what: JobAction, jobId: string): Promise<Job | null>;
  /** The job as it is now, read anew; null when there is none. */
  refresh(jobId: string): Promise<Job | null>;
}

export function createJobCommands(
  { upstream, store, creator }: CommandDependencies,
  changer: CommandContext,
): JobCommands {
  const { access, name, readContext, quota } = changer;
  return {
    create(request, key) {
      const claim = key === null ? null : { credential: access.credential, callerName: name, key, request };
      const spendQuota = <T>(run: (giveBack: () => void) => Promise<T>) => quota.spend('create', run);
      return creator.create({ access, readContext, request, mark: claim && markOf(claim), spendQuota });
    },
    async control(what, jobId) {
      if (!isValidName(jobId)) return null;
      try {
        const job = await upstream.jobs[what](jobId, callOf(changer));
        return job && store.jobs.put(access, job).value;
      } catch (error) {
        if (isOutcomeUnknown(error)) store.jobs.invalidation.markStale(jobId);
        throw error;
      }
    },
    async refresh(jobId) {
      return isValidName(jobId)
        ? (await store.jobs.refresh(access, jobId, { readContext, cause: 'query' })).value
        : null;
    },
  };
}
