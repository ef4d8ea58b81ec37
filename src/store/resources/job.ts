import { isName } from '../../upstream/http/path.ts';
import type { Priority } from '../../upstream/resilience/call-rate-limiter.ts';
import type { Job, JobPageRequest } from '../../upstream/resources/job.ts';
import type { Page } from '../../upstream/resources/page.ts';
import { endOf, hasSettled, type JobEnd, type JobSight, jobFreshUntil, remember } from '../cache/freshness.ts';
import { createGenerations, type Generation } from '../cache/generation.ts';
import { createLists } from '../cache/page-cache.ts';
import { createHoldingShelf } from '../cache/pinning-cache.ts';
import { type Cause, createReads, keyOf, type Outcome, type ReadCall } from '../cache/read-through.ts';
import type { Access } from '../cache/scope.ts';
import type { Caller } from '../cache/single-flight.ts';
import { weigh } from '../cache/size-estimate.ts';
import type { PartOptions } from '../cache/store-options.ts';

/** What came of a sight of one job. */
export interface JobSighting extends Outcome<Job | null, JobSight> {
  readonly scope: string;
  readonly id: string;
}

/** A look at the upstream, whatever is kept: for whom, and what caused it. */
export interface Look {
  readonly caller: Caller;
  readonly cause: Cause;
}

/** A look at a page of the list. */
export interface PageLook extends Look {
  /** What has caused one of its jobs to be seen, where that differs. */
  readonly causeOf?: (job: Job) => Cause;
}

export interface JobStore {
  /** The job as it is now, null when there is none. Throws UpstreamError, or the reason of the caller's signal. */
  get(access: Access, id: string, caller: Caller): Promise<Job | null>;
  /** One page of the jobs, newest first. Throws UpstreamError, or the reason of the caller's signal. */
  list(access: Access, request: JobPageRequest, caller: Caller): Promise<Page<Job>>;
  /** Reads the job anew, and joins no read that is under way. Throws UpstreamError, or the reason of the caller's signal. */
  look(access: Access, id: string, look: Look): Promise<JobSight>;
  /** Reads a page anew, and joins no read that is under way. Throws UpstreamError, or the reason of the caller's signal. */
  lookAtPage(access: Access, request: JobPageRequest, look: PageLook): Promise<Page<Job>>;
  /** The last sight of a job, however old; undefined when none is kept. */
  lastSight(access: Access, id: string): JobSight | undefined;
  /** The last sight of a job, if it still answers questions. */
  freshSight(access: Access, id: string): JobSight | undefined;
  /** Keeps the last sight of a job, or the given one if none is kept, until what it returns is called. */
  hold(access: Access, id: string, sight?: JobSight): () => void;
  /** Tells of every sight of any job, whoever caused it, until what it returns is called. */
  onSighting(listener: (sighting: JobSighting) => void): () => void;
  /** The end of a job, as far as it is known here. */
  end(access: Access, id: string): JobEnd;
  /**
   * When a job was last seen to have come to its end, in milliseconds since the epoch: lists of files and models that are
   * older may lack what it brought. -Infinity when none was seen.
   */
  lastEndAt(access: Access): number;
  /** Takes note that a job may have changed: no sight from before answers about it any more, in whatever scope. */
  outdate(id: string): void;
  /** Takes note that any job may have changed, as something that they use has: all are read anew. */
  outdateAll(access: Access): void;
  /**
   * Takes note of a job as a mutation's answer shows it, whatever was kept: no read that began before is believed or
   * joined any more, and nothing that was read about the job or in lists before. Gives the sight to be believed, which is
   * another only where the job had come to its end.
   */
  put(access: Access, job: Job): JobSight;
  /** When a job was last put. */
  changed(access: Access, id: string): Generation;
  /** Which lists are to be believed: those of the same generation, which anything ends that is put or put out of date. */
  listGeneration(access: Access): number;
  /** Ends that generation, and that of whole answers. */
  beginGeneration(access: Access): void;
  /** Which whole answers are to be believed: as `listGeneration`, and the end of any job ends this one too. */
  generation(access: Access): number;
}

/** What a job takes beside the body that it was read from. */
const BYTES_PER_JOB = 400;

const NOTHING_OLDER = { notBefore: Number.POSITIVE_INFINITY };

/** Under this, which is no id, what concerns any job. */
const ANY_JOB = '';

export function createJobStore(options: PartOptions): JobStore {
  const { upstream, clock, limits, shelf } = options;
  const ends = shelf<Generation>('end');
  const generations = createGenerations(clock);
  const sights = createHoldingShelf(shelf<JobSight>('job'));
  const listeners = new Set<(sighting: JobSighting) => void>();
  const hints = createGenerations(clock); // By id alone: who gives one does not know of scopes.
  const outdatedAt = (access: Access, id: string) =>
    Math.max(hints.of(id).at, generations.of(keyOf(access, ANY_JOB)).at);
  const lastEndAt = ({ scope }: Access) => ends?.get(scope)?.at ?? Number.NEGATIVE_INFINITY;
  const jobs = createReads<Job | null, JobSight>({
    clock,
    shelf: sights,
    choose: remember,
    weigh: (job) => (job === null ? 0 : BYTES_PER_JOB + weigh(job.raw)),
    onSight({ scope }, id, outcome) {
      const { kept, sight } = outcome;
      const wasMoving = kept !== undefined && kept.value !== null && kept.terminalSince === null;
      if (wasMoving && sight.terminalSince !== null) ends?.set(scope, { at: clock.now(), turn: clock.turn() }, 0);
      for (const tell of listeners) tell({ scope, id, ...outcome });
    },
  });
  const pages = createLists<Job>(options, 'jobs', jobs);

  const listGeneration = ({ scope }: Access) => Math.max(generations.of(scope).turn, hints.of(ANY_JOB).turn);

  // Somebody waits for the answer to a query.
  const priorityOf = ({ cause }: Look): Priority => (cause === 'query' ? 'query' : 'poll');

  function nameAndRead(request: JobPageRequest, priority: Priority) {
    const { limit, after, metadata = {} } = request;
    const read = (call: ReadCall) => upstream.jobs.list(request, { ...call, priority });
    return { name: JSON.stringify([limit, after, metadata]), read };
  }

  return {
    async get(access, id, caller) {
      if (!isName(id)) return null; // Not even kept: no client fills the store with what cannot be.
      const { value } = await jobs.get({
        access,
        name: id,
        caller,
        freshUntil: (sight) => jobFreshUntil(sight, limits, outdatedAt(access, id)),
        read: (call) => upstream.jobs.get(id, call),
        notBefore: outdatedAt(access, id),
        isSettled: hasSettled,
      });
      return value;
    },
    async list(access, request, caller) {
      const { value } = await pages.get({
        access,
        caller,
        ...nameAndRead(request, 'query'),
        generation: listGeneration(access),
      });
      return value;
    },
    look: (access, id, look) =>
      jobs.get({
        access,
        name: id,
        ...look,
        freshUntil: () => Number.NEGATIVE_INFINITY,
        read: (call) => upstream.jobs.get(id, { ...call, priority: priorityOf(look) }),
        ...NOTHING_OLDER,
      }),
    async lookAtPage(access, request, look) {
      const { caller, cause, causeOf = () => cause } = look;
      const asked = { access, caller, causeOf, ...nameAndRead(request, priorityOf(look)) };
      const { value } = await pages.get({ ...asked, ...NOTHING_OLDER });
      return value;
    },
    lastSight: (access, id) => jobs.kept(access, id),
    freshSight(access, id) {
      const sight = jobs.kept(access, id);
      return sight && clock.now() < jobFreshUntil(sight, limits, outdatedAt(access, id)) ? sight : undefined;
    },
    hold: (access, id, sight) => sights.hold(keyOf(access, id), sight),
    onSighting(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    end: (access, id) => endOf(jobs.kept(access, id)),
    lastEndAt,
    outdate(id) {
      for (const key of [id, ANY_JOB]) hints.begin(key);
    },
    outdateAll(access) {
      for (const key of [access.scope, keyOf(access, ANY_JOB)]) generations.begin(key);
    },
    put(access, job) {
      generations.begin(access.scope);
      generations.begin(keyOf(access, job.id));
      return jobs.put(access, job.id, job);
    },
    changed: (access, id) => generations.of(keyOf(access, id)),
    listGeneration,
    beginGeneration: ({ scope }) => generations.begin(scope),
    generation: (access) => Math.max(listGeneration(access), ends?.get(access.scope)?.turn ?? 0),
  };
}
