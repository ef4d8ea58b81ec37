import { isOutcomeUnknown } from '../upstream/errors/upstream-error.ts';
import { isValidName } from '../upstream/http/path.ts';
import type { Job } from '../upstream/resources/job.ts';
import { type CommandContext, type CommandDependencies, callOf } from './command-context.ts';
import type { CreateResult } from './idempotency/create-once.ts';
import { deriveMark, earlierMarks, firstMark } from './idempotency/derive-mark.ts';

/** An action on an existing job. */
export type JobAction = 'cancel' | 'pause' | 'resume';

export interface JobCommands {
  /** Creates a job, at most once per caller and idempotency key (null: always). Also rejects with DailyQuotaExceeded. */
  create(request: object, key: string | null): Promise<CreateResult>;
  /** Returns the job after the action; null when there is none. */
  control(action: JobAction, jobId: string): Promise<Job | null>;
  /** Reads the job upstream regardless of the cache; null when there is none. */
  refresh(jobId: string): Promise<Job | null>;
}

export function createJobCommands(
  { upstream, store, creator }: CommandDependencies,
  context: CommandContext,
): JobCommands {
  const { access, callerId, readContext, quota } = context;
  return {
    create(request, key) {
      const claim = key === null ? null : { credential: access.credential, callerId, key, request };
      const spendQuota = <T>(run: (refund: () => void) => Promise<T>) => quota.spend('create', run);
      const marks = claim && {
        mark: deriveMark(claim),
        earlierMarks: earlierMarks(claim),
        firstMark: firstMark(claim),
      };
      return creator.create({ access, readContext, call: callOf(context), request, mark: null, ...marks, spendQuota });
    },
    async control(action, jobId) {
      if (!isValidName(jobId)) return null;
      try {
        const job = await upstream.jobs[action](jobId, callOf(context));
        return job && store.jobs.put(access, job).value;
      } catch (error) {
        if (isOutcomeUnknown(error)) store.jobs.invalidation.recordUnseenChange(access, jobId);
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
