import { isValidName } from '../../upstream/http/path.ts';
import type { Priority } from '../../upstream/resilience/call-rate-limiter.ts';
import type { Job, JobPageRequest } from '../../upstream/resources/job.ts';
import type { Page } from '../../upstream/resources/page.ts';
import {
  endOf,
  hasSettled,
  type JobEnd,
  type JobObservation,
  jobFreshUntil,
  mergeJobObservation,
} from '../cache/freshness.ts';
import { createGenerations, type Generation } from '../cache/generation.ts';
import { createPageCache } from '../cache/page-cache.ts';
import { createPinningCache } from '../cache/pinning-cache.ts';
import {
  type Cause,
  createReadThrough,
  keyOf,
  type RecordResult,
  type UpstreamReadOptions,
} from '../cache/read-through.ts';
import type { Access } from '../cache/scope.ts';
import type { ReadContext } from '../cache/single-flight.ts';
import { estimateBytes } from '../cache/size-estimate.ts';
import type { ResourceStoreOptions } from '../cache/store-options.ts';

/** What came of a sight of one job. */
export interface JobObserved extends RecordResult<Job | null, JobObservation> {
  readonly scope: string;
  readonly id: string;
}

/** A look at the upstream, whatever is kept: for whom, and what caused it. */
export interface RefreshOptions {
  readonly readContext: ReadContext;
  readonly cause: Cause;
}

/** A look at a page of the list. */
export interface RefreshPageOptions extends RefreshOptions {
  /** What has caused one of its jobs to be seen, where that differs. */
  readonly causeOf?: (job: Job) => Cause;
}

export interface JobStore {
  /** The job as it is now, null when there is none. Throws UpstreamError, or the reason of the caller's signal. */
  get(access: Access, id: string, readContext: ReadContext): Promise<Job | null>;
  /** One page of the jobs, newest first. Throws UpstreamError, or the reason of the caller's signal. */
  list(access: Access, request: JobPageRequest, readContext: ReadContext): Promise<Page<Job>>;
  /** Reads the job anew, and joins no read that is under way. Throws UpstreamError, or the reason of the caller's signal. */
  refresh(access: Access, id: string, look: RefreshOptions): Promise<JobObservation>;
  /** Reads a page anew, and joins no read that is under way. Throws UpstreamError, or the reason of the caller's signal. */
  refreshPage(access: Access, request: JobPageRequest, look: RefreshPageOptions): Promise<Page<Job>>;
  /** The last sight of a job, however old; undefined when none is kept. */
  lastObservation(access: Access, id: string): JobObservation | undefined;
  /** The last sight of a job, if it still answers questions. */
  freshObservation(access: Access, id: string): JobObservation | undefined;
  /** Keeps the last sight of a job, or the given one if none is kept, until what it returns is called. */
  pin(access: Access, id: string, observation?: JobObservation): () => void;
  /** Tells of every sight of any job, whoever caused it, until what it returns is called. */
  onObserved(listener: (sighting: JobObserved) => void): () => void;
  /** The end of a job, as far as it is known here. */
  end(access: Access, id: string): JobEnd;
  /**
   * When a job was last seen to have come to its end, in milliseconds since the epoch: lists of files and models that are
   * older may lack what it brought. -Infinity when none was seen.
   */
  lastEndAt(access: Access): number;
  /** Takes note that a job may have changed: no sight from before answers about it any more, in whatever scope. */
  markStale(id: string): void;
  /** Takes note that any job may have changed, as something that they use has: all are read anew. */
  markAllStale(access: Access): void;
  /**
   * Takes note of a job as a mutation's answer shows it, whatever was kept: no read that began before is believed or
   * joined any more, and nothing that was read about the job or in lists before. Gives the sight to be believed, which is
   * another only where the job had come to its end.
   */
  put(access: Access, job: Job): JobObservation;
  /** When a job was last put. */
  lastChange(access: Access, id: string): Generation;
  /** Which lists are to be believed: those of the same generation, which anything ends that is put or put out of date. */
  listGeneration(access: Access): number;
  /** Ends that generation, and that of whole answers. */
  bumpGeneration(access: Access): void;
  /** Which whole answers are to be believed: as `listGeneration`, and the end of any job ends this one too. */
  generation(access: Access): number;
}

/** What a job takes beside the body that it was read from. */
const BYTES_PER_JOB = 400;

const NOTHING_OLDER = { notBefore: Number.POSITIVE_INFINITY };

/** Under this, which is no id, what concerns any job. */
const ANY_JOB = '';

export function createJobStore(options: ResourceStoreOptions): JobStore {
  const { upstream, clock, limits, partition } = options;
  const ends = partition<Generation>('end');
  const generations = createGenerations(clock);
  const sights = createPinningCache(partition<JobObservation>('job'));
  const listeners = new Set<(sighting: JobObserved) => void>();
  const hints = createGenerations(clock); // By id alone: who gives one does not know of scopes.
  const outdatedAt = (access: Access, id: string) =>
    Math.max(hints.get(id).at, generations.get(keyOf(access, ANY_JOB)).at);
  const lastEndAt = ({ scope }: Access) => ends?.get(scope)?.at ?? Number.NEGATIVE_INFINITY;
  const jobs = createReadThrough<Job | null, JobObservation>({
    clock,
    cache: sights,
    merge: mergeJobObservation,
    estimateBytes: (job) => (job === null ? 0 : BYTES_PER_JOB + estimateBytes(job.raw)),
    onRecorded({ scope }, id, outcome) {
      const { previous, accepted } = outcome;
      const wasMoving = previous !== undefined && previous.value !== null && previous.terminalSince === null;
      if (wasMoving && accepted.terminalSince !== null)
        ends?.set(scope, { at: clock.now(), sequence: clock.nextSequence() }, 0);
      for (const tell of listeners) tell({ scope, id, ...outcome });
    },
  });
  const pages = createPageCache<Job>(options, 'jobs', jobs);

  const listGeneration = ({ scope }: Access) => Math.max(generations.get(scope).sequence, hints.get(ANY_JOB).sequence);

  // Somebody waits for the answer to a query.
  const priorityOf = ({ cause }: RefreshOptions): Priority => (cause === 'query' ? 'query' : 'poll');

  function nameAndRead(request: JobPageRequest, priority: Priority) {
    const { limit, after, metadata = {} } = request;
    const read = (call: UpstreamReadOptions) => upstream.jobs.list(request, { ...call, priority });
    return { name: JSON.stringify([limit, after, metadata]), read };
  }

  return {
    async get(access, id, readContext) {
      if (!isValidName(id)) return null; // Not even kept: no client fills the store with what cannot be.
      const { value } = await jobs.get({
        access,
        name: id,
        readContext,
        freshUntil: (observation) => jobFreshUntil(observation, limits, outdatedAt(access, id)),
        read: (call) => upstream.jobs.get(id, call),
        notBefore: outdatedAt(access, id),
        isSettled: hasSettled,
      });
      return value;
    },
    async list(access, request, readContext) {
      const { value } = await pages.get({
        access,
        readContext,
        ...nameAndRead(request, 'query'),
        generation: listGeneration(access),
      });
      return value;
    },
    refresh: (access, id, look) =>
      jobs.get({
        access,
        name: id,
        ...look,
        freshUntil: () => Number.NEGATIVE_INFINITY,
        read: (call) => upstream.jobs.get(id, { ...call, priority: priorityOf(look) }),
        ...NOTHING_OLDER,
      }),
    async refreshPage(access, request, look) {
      const { readContext, cause, causeOf = () => cause } = look;
      const asked = { access, readContext, causeOf, ...nameAndRead(request, priorityOf(look)) };
      const { value } = await pages.get({ ...asked, ...NOTHING_OLDER });
      return value;
    },
    lastObservation: (access, id) => jobs.peek(access, id),
    freshObservation(access, id) {
      const observation = jobs.peek(access, id);
      return observation && clock.now() < jobFreshUntil(observation, limits, outdatedAt(access, id))
        ? observation
        : undefined;
    },
    pin: (access, id, observation) => sights.pin(keyOf(access, id), observation),
    onObserved(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    end: (access, id) => endOf(jobs.peek(access, id)),
    lastEndAt,
    markStale(id) {
      for (const key of [id, ANY_JOB]) hints.bump(key);
    },
    markAllStale(access) {
      for (const key of [access.scope, keyOf(access, ANY_JOB)]) generations.bump(key);
    },
    put(access, job) {
      generations.bump(access.scope);
      generations.bump(keyOf(access, job.id));
      return jobs.put(access, job.id, job);
    },
    lastChange: (access, id) => generations.get(keyOf(access, id)),
    listGeneration,
    bumpGeneration: ({ scope }) => generations.bump(scope),
    generation: (access) => Math.max(listGeneration(access), ends?.get(access.scope)?.sequence ?? 0),
  };
}
