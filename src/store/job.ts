import type { Job, JobPageRequest } from '../upstream/job.ts';
import type { Page } from '../upstream/page.ts';
import { isName } from '../upstream/path.ts';
import type { Caller } from './flights.ts';
import { endOf, hasSettled, type JobEnd, type JobSight, jobFreshUntil, remember } from './freshness.ts';
import { createLists } from './list.ts';
import type { PartOptions } from './parts.ts';
import { createReads } from './reads.ts';
import type { Access } from './scope.ts';
import { weigh } from './weight.ts';

export interface JobStore {
  /** The job as it is now, null when there is none. Throws UpstreamError, or the reason of the caller's signal. */
  get(access: Access, id: string, caller: Caller): Promise<Job | null>;
  /** One page of the jobs, newest first. Throws UpstreamError, or the reason of the caller's signal. */
  list(access: Access, request: JobPageRequest, caller: Caller): Promise<Page<Job>>;
  /** The last sight of a job, however old; undefined when none is kept. */
  lastSight(access: Access, id: string): JobSight | undefined;
  /** The end of a job, as far as it is known here. */
  end(access: Access, id: string): JobEnd;
  /**
   * When a job was last seen to have come to its end, in milliseconds since the epoch: lists of files and models, and
   * whole answers, that are older may lack what it brought. -Infinity when none was seen.
   */
  lastEndAt(access: Access): number;
}

/** What a job takes beside the body that it was read from. */
const BYTES_PER_JOB = 400;

export function createJobStore(options: PartOptions): JobStore {
  const { upstream, clock, limits, shelf } = options;
  const ends = shelf<{ at: number }>('end');
  const jobs = createReads<Job | null, JobSight>({
    clock,
    shelf: shelf<JobSight>('job'),
    choose: remember,
    weigh: (job) => (job === null ? 0 : BYTES_PER_JOB + weigh(job.raw)),
    onSight({ scope }, kept, { terminalSince }) {
      const wasMoving = kept !== undefined && kept.value !== null && kept.terminalSince === null;
      if (wasMoving && terminalSince !== null) ends?.set(scope, { at: clock.now() }, 0);
    },
  });
  const pages = createLists<Job>(options, 'jobs', jobs);

  return {
    async get(access, id, caller) {
      if (!isName(id)) return null; // Not even kept: no client fills the store with what cannot be.
      const { value } = await jobs.get({
        access,
        name: id,
        caller,
        freshUntil: (sight) => jobFreshUntil(sight, limits),
        read: (call) => upstream.jobs.get(id, call),
        isSettled: hasSettled,
      });
      return value;
    },
    async list(access, request, caller) {
      const { limit, after, metadata = {} } = request;
      const name = JSON.stringify([limit, after, metadata]);
      const { value } = await pages.get({ access, name, caller, read: (call) => upstream.jobs.list(request, call) });
      return value;
    },
    lastSight: (access, id) => jobs.kept(access, id),
    end: (access, id) => endOf(jobs.kept(access, id)),
    lastEndAt: ({ scope }) => ends?.get(scope)?.at ?? Number.NEGATIVE_INFINITY,
  };
}
