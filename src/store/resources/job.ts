import { isValidName } from '../../upstream/http/path.ts';
import type { Job, JobPageRequest } from '../../upstream/resources/job.ts';
import type { Page } from '../../upstream/resources/page.ts';
import { hasSettled, type JobObservation, jobFreshUntil, mergeJobObservation } from '../cache/freshness.ts';
import { createPageCache } from '../cache/page-cache.ts';
import { createPinningCache } from '../cache/pinning-cache.ts';
import type { ReadContext } from '../cache/read-context.ts';
import { type Cause, createReadThrough, keyOf, type RecordResult } from '../cache/read-through.ts';
import type { Access } from '../cache/scope.ts';
import { estimateBytes } from '../cache/size-estimate.ts';
import type { ResourceStoreOptions } from '../cache/store-options.ts';
import { createJobInvalidation, type JobInvalidation } from './job-invalidation.ts';
import { createMethodUsage, type MethodUsage } from './method-usage.ts';

/** The effect of recording an observation of one job. */
export interface JobObserved extends RecordResult<Job | null, JobObservation> {
  readonly scope: string;
  readonly id: string;
}

export interface RefreshOptions {
  readonly readContext: ReadContext;
  readonly cause: Cause;
}

export interface RefreshPageOptions extends RefreshOptions {
  /** The cause recorded for a job on the page. Default: `cause`. */
  readonly causeOf?: (job: Job) => Cause;
}

/** Jobs of all scopes. All reads throw UpstreamError, or the reason of the context's signal. */
export interface JobStore {
  /** Returns the job, from the cache while fresh; null when there is none. */
  get(access: Access, id: string, readContext: ReadContext): Promise<Job | null>;
  /** Returns one page of the jobs, newest first, from the cache while fresh. */
  list(access: Access, request: JobPageRequest, readContext: ReadContext): Promise<Page<Job>>;
  /** Reads the job upstream regardless of the cache and of reads in flight. */
  refresh(access: Access, id: string, options: RefreshOptions): Promise<JobObservation>;
  /** Reads a page upstream regardless of the cache and of reads in flight. */
  refreshPage(access: Access, request: JobPageRequest, options: RefreshPageOptions): Promise<Page<Job>>;
  /** Returns the last accepted observation, fresh or stale; undefined when none is cached. */
  lastObservation(access: Access, id: string): JobObservation | undefined;
  /** Returns the last accepted observation if fresh. */
  freshObservation(access: Access, id: string): JobObservation | undefined;
  /** Pins the last observation of a job, or `observation` if none is cached. Returns an unpin function. */
  pin(access: Access, id: string, observation?: JobObservation): () => void;
  /** Calls `listener` for each recorded observation of any job. Returns an unsubscribe function. */
  onObserved(listener: (observed: JobObserved) => void): () => void;
  /**
   * Records a job from the response of a mutation, and invalidates everything read before. Returns the accepted
   * observation: another one only if the job had ended.
   */
  put(access: Access, job: Job): JobObservation;
  /** Records an observation of another replica, which is later than all requests sent before. Null: no such job. */
  receive(access: Access, id: string, job: Job | null, cause: Cause): JobObservation;
  /** Returns a number that is greater than the sequence numbers of all requests sent before, and less than of those after. */
  nextSequence(): number;
  readonly invalidation: JobInvalidation;
  /** Returns the methods of the jobs that were observed on a base model. */
  readonly methodsUsedOn: MethodUsage['methodsUsedOn'];
}

/** Size of a job's own objects, without its body. */
const BYTES_PER_JOB = 400;

export function createJobStore(options: ResourceStoreOptions): JobStore {
  const { upstream, clock, limits, partition } = options;
  const observations = createPinningCache(partition<JobObservation>('job'));
  const invalidation = createJobInvalidation(options, observations);
  const usage = createMethodUsage(options);
  const listeners = new Set<(observed: JobObserved) => void>();

  const freshUntil = (access: Access, id: string, observation: JobObservation) =>
    jobFreshUntil(observation, limits, invalidation.staleBefore(access, id));

  const jobs = createReadThrough<Job | null, JobObservation, null>({
    clock,
    kind: 'job',
    cache: observations,
    read: ({ name: id }, call) => upstream.jobs.get(id, call),
    freshUntil: (observation, { access, name: id }) => freshUntil(access, id, observation),
    isSettled: hasSettled,
    merge: mergeJobObservation,
    isIdle: () => observations.isEmpty && listeners.size === 0,
    estimateBytes: (job) => (job === null ? 0 : BYTES_PER_JOB + estimateBytes(job.raw)),
    onRecorded(access, id, result) {
      const { previous, accepted } = result;
      if (!previous?.value && accepted.value) usage.record(access, accepted.value); // A job's method never changes.
      if (previous !== undefined && previous.value?.status !== accepted.value?.status) {
        invalidation.recordTransition(access); // A response must not be older than a change that was delivered.
      }
      const wasActive = previous !== undefined && previous.value !== null && previous.terminalSince === null;
      if (wasActive && accepted.terminalSince !== null) invalidation.recordEnd(access);
      for (const listener of listeners) listener({ scope: access.scope, id, ...result });
    },
  });
  const pages = createPageCache<Job, JobPageRequest>({
    ...options,
    name: 'jobs',
    read: (request, call) => upstream.jobs.list(request, call),
    values: jobs,
  });

  return {
    get(access, id, readContext) {
      if (!isValidName(id)) return Promise.resolve(null); // Not cached, so that no client fills the cache with invalid ids.
      const notBefore = invalidation.staleBefore(access, id);
      return jobs.get({ access, name: id, params: null, readContext, notBefore });
    },
    list: (access, request, readContext) =>
      pages.get({
        access,
        name: pageName(request),
        params: request,
        readContext,
        generation: invalidation.listGeneration(access),
      }),
    refresh: (access, id, { readContext, cause }) =>
      jobs.refresh({ access, name: id, params: null, readContext, cause }),
    refreshPage: (access, request, { readContext, cause, causeOf = () => cause }) =>
      pages.get({
        access,
        name: pageName(request),
        params: request,
        readContext,
        causeOf,
        notBefore: Number.POSITIVE_INFINITY,
      }),
    lastObservation: (access, id) => jobs.peek(access, id),
    freshObservation(access, id) {
      const observation = jobs.peek(access, id);
      return observation && clock.now() < freshUntil(access, id, observation) ? observation : undefined;
    },
    pin: (access, id, observation) => observations.pin(keyOf(access, id), observation),
    onObserved(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    put(access, job) {
      invalidation.recordChange(access, job.id);
      return jobs.put(access, job.id, job);
    },
    receive(access, id, value, cause) {
      const [now, sequence] = [clock.now(), clock.nextSequence()];
      const observed = { value, requestedAt: now, requestedSeq: sequence, receivedAt: now, receivedSeq: sequence };
      return jobs.record(access, id, observed, cause);
    },
    nextSequence: () => clock.nextSequence(),
    invalidation,
    methodsUsedOn: usage.methodsUsedOn,
  };
}

const pageName = ({ limit, after, metadata = {} }: JobPageRequest) => JSON.stringify([limit, after, metadata]);
