import type { Checkpoint } from '../../upstream/resources/checkpoint.ts';
import type { Page, PageRequest } from '../../upstream/resources/page.ts';
import { aboutJobFreshUntil, type Seen } from '../cache/freshness.ts';
import { createReads, later } from '../cache/read-through.ts';
import type { Access } from '../cache/scope.ts';
import type { Caller } from '../cache/single-flight.ts';
import { weigh } from '../cache/size-estimate.ts';
import type { PartOptions } from '../cache/store-options.ts';
import type { JobStore } from './job.ts';

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
