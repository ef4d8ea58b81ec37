import type { Checkpoint } from '../../upstream/resources/checkpoint.ts';
import type { Page, PageRequest } from '../../upstream/resources/page.ts';
import { aboutJobFreshUntil, type SequencedObservation } from '../cache/freshness.ts';
import { createReadThrough, newerRequestWins } from '../cache/read-through.ts';
import type { Access } from '../cache/scope.ts';
import type { ReadContext } from '../cache/single-flight.ts';
import { estimateBytes } from '../cache/size-estimate.ts';
import type { ResourceStoreOptions } from '../cache/store-options.ts';
import type { JobStore } from './job.ts';

export interface CheckpointStore {
  /** One page of a job's checkpoints, newest first. Throws UpstreamError, or the reason of the caller's signal. */
  list(access: Access, jobId: string, request: PageRequest, readContext: ReadContext): Promise<Page<Checkpoint>>;
}

export function createCheckpointStore(
  { upstream, clock, limits, partition }: ResourceStoreOptions,
  jobs: JobStore,
): CheckpointStore {
  const pages = createReadThrough<Page<Checkpoint>, SequencedObservation<Page<Checkpoint>>>({
    clock,
    cache: partition('checkpoints'),
    merge: newerRequestWins,
    estimateBytes: ({ items }) => estimateBytes(items),
  });
  return {
    async list(access, jobId, request, readContext) {
      const end = jobs.end(access, jobId);
      const { value } = await pages.get({
        access,
        name: JSON.stringify([jobId, jobs.lastChange(access, jobId).sequence, request.limit, request.after]),
        readContext,
        freshUntil: (observation) => aboutJobFreshUntil(observation, jobs.end(access, jobId), limits),
        read: (call) => upstream.checkpoints.list(jobId, request, call),
        notBefore: end.endedAt,
        isSettled: ({ requestedAt }) => requestedAt >= end.settledAt,
      });
      return value;
    },
  };
}
