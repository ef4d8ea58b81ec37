import type { Checkpoint } from '../../upstream/resources/checkpoint.ts';
import type { Page, PageRequest } from '../../upstream/resources/page.ts';
import { aboutJobFreshUntil, type JobEnd, type SequencedObservation } from '../cache/freshness.ts';
import type { ReadContext } from '../cache/read-context.ts';
import { createReadThrough, newerRequestWins } from '../cache/read-through.ts';
import type { Access } from '../cache/scope.ts';
import { estimateBytes } from '../cache/size-estimate.ts';
import type { ResourceStoreOptions } from '../cache/store-options.ts';
import type { JobInvalidation } from './job-invalidation.ts';

export interface CheckpointStore {
  /** Returns one page of a job's checkpoints, newest first. Throws UpstreamError, or the reason of the context's signal. */
  list(access: Access, jobId: string, request: PageRequest, readContext: ReadContext): Promise<Page<Checkpoint>>;
}

interface CheckpointReadParams {
  readonly jobId: string;
  readonly request: PageRequest;
  /** The job's end when the read was requested. */
  readonly end: JobEnd;
}

export function createCheckpointStore(
  { upstream, clock, limits, partition }: ResourceStoreOptions,
  jobs: Pick<JobInvalidation, 'end' | 'lastChange'>,
): CheckpointStore {
  const pages = createReadThrough<Page<Checkpoint>, SequencedObservation<Page<Checkpoint>>, CheckpointReadParams>({
    clock,
    kind: 'checkpoints',
    cache: partition('checkpoints'),
    read: ({ params: { jobId, request } }, call) => upstream.checkpoints.list(jobId, request, call),
    // By the job's current end: the job can end during the read.
    freshUntil: (observation, { access, params }) =>
      aboutJobFreshUntil(observation, jobs.end(access, params.jobId), limits),
    isSettled: ({ requestedAt }, { params }) => requestedAt >= params.end.settledAt,
    merge: newerRequestWins,
    estimateBytes: ({ items }) => estimateBytes(items),
  });
  return {
    list(access, jobId, request, readContext) {
      const end = jobs.end(access, jobId);
      return pages.get({
        access,
        name: JSON.stringify([jobId, jobs.lastChange(access, jobId).sequence, request.limit, request.after]),
        params: { jobId, request, end },
        readContext,
        notBefore: end.endedAt,
      });
    },
  };
}
