import type { Checkpoint } from '../upstream/checkpoint.ts';
import type { Page, PageRequest } from '../upstream/page.ts';
import type { Caller } from './flights.ts';
import { aboutJobFreshUntil, type Seen } from './freshness.ts';
import type { JobStore } from './job.ts';
import type { PartOptions } from './parts.ts';
import { createReads, later } from './reads.ts';
import type { Access } from './scope.ts';
import { weigh } from './weight.ts';

export interface CheckpointStore {
  /** One page of a job's checkpoints, newest first. Throws UpstreamError, or the reason of the caller's signal. */
  list(access: Access, jobId: string, request: PageRequest, caller: Caller): Promise<Page<Checkpoint>>;
}

export function createCheckpointStore(
  { upstream, clock, limits, shelf }: PartOptions,
  jobs: JobStore,
): CheckpointStore {
  const pages = createReads<Page<Checkpoint>, Seen<Page<Checkpoint>>>({
    clock,
    shelf: shelf('checkpoints'),
    choose: later,
    weigh: ({ items }) => weigh(items),
  });
  return {
    async list(access, jobId, request, caller) {
      const end = jobs.end(access, jobId);
      const { value } = await pages.get({
        access,
        name: JSON.stringify([jobId, jobs.changed(access, jobId).turn, request.limit, request.after]),
        caller,
        freshUntil: (sight) => aboutJobFreshUntil(sight, jobs.end(access, jobId), limits),
        read: (call) => upstream.checkpoints.list(jobId, request, call),
        notBefore: end.endedAt,
        isSettled: ({ beganAt }) => beganAt >= end.quietAt,
      });
      return value;
    },
  };
}
