import type { CachePartition } from '../../memory-cache.ts';
import { endOf, type JobEnd, type JobObservation } from '../cache/freshness.ts';
import { createGenerations, type Generation } from '../cache/generation.ts';
import { keyOf } from '../cache/read-through.ts';
import type { Access } from '../cache/scope.ts';
import type { ResourceStoreOptions } from '../cache/store-options.ts';

/** Invalidation of jobs, of data about jobs, and of lists and whole responses. Times are milliseconds since the epoch. */
export interface JobInvalidation {
  /** Marks observations of a job as stale, in all scopes, and starts the next list generation of all scopes. */
  markStale(id: string): void;
  /** Marks observations of all jobs of the scope as stale, and starts its next list generation. */
  markAllStale(access: Access): void;
  /** Returns when the job was last marked as stale: observations requested before are stale. -Infinity if it never was. */
  staleBefore(access: Access, id: string): number;

  /** Records that this gateway has changed a job: data about it, lists and responses read before are not used. */
  recordChange(access: Access, id: string): void;
  /** Returns the last recorded change of a job. Data about the job read before it is not used. */
  lastChange(access: Access, id: string): Generation;

  /** Records that a job of the scope has ended: lists of files and models, and whole responses, may lack the effects. */
  recordEnd(access: Access): void;
  /** Time of the last recorded end of any job of the scope; -Infinity when there is none. */
  lastEndAt(access: Access): number;
  /** Returns the end of a job by its last observation. */
  end(access: Access, id: string): JobEnd;

  /** Starts the next list generation of the scope. */
  bumpGeneration(access: Access): void;
  /** Returns the list generation of the scope. It increases with each invalidation; lists of another one are not used. */
  listGeneration(access: Access): number;
  /** Returns the generation of cached responses: as `listGeneration`, and it also increases when a job ends. */
  responseGeneration(access: Access): number;
}

/** Key for all jobs; an id is never empty. */
const ANY_JOB = '';

export function createJobInvalidation(
  { clock, partition }: Pick<ResourceStoreOptions, 'clock' | 'partition'>,
  observations: Pick<CachePartition<JobObservation>, 'get'>,
): JobInvalidation {
  const lastEnds = partition<Generation>('end');
  const changes = createGenerations(clock); // By scope, and by scope and job.
  const staleMarks = createGenerations(clock); // By job alone: a webhook does not name a scope.

  const listGeneration = ({ scope }: Access) => Math.max(changes.get(scope).sequence, staleMarks.get(ANY_JOB).sequence);
  const bumpGeneration = ({ scope }: Access) => changes.bump(scope);

  return {
    markStale(id) {
      staleMarks.bump(id);
      staleMarks.bump(ANY_JOB);
    },
    markAllStale(access) {
      bumpGeneration(access);
      changes.bump(keyOf(access, ANY_JOB));
    },
    staleBefore: (access, id) => Math.max(staleMarks.get(id).at, changes.get(keyOf(access, ANY_JOB)).at),
    recordChange(access, id) {
      bumpGeneration(access);
      changes.bump(keyOf(access, id));
    },
    lastChange: (access, id) => changes.get(keyOf(access, id)),
    recordEnd: ({ scope }) => void lastEnds?.set(scope, { at: clock.now(), sequence: clock.nextSequence() }, 0),
    lastEndAt: ({ scope }) => lastEnds?.get(scope)?.at ?? Number.NEGATIVE_INFINITY,
    end: (access, id) => endOf(observations.get(keyOf(access, id))),
    bumpGeneration,
    listGeneration,
    responseGeneration: (access) => Math.max(listGeneration(access), lastEnds?.get(access.scope)?.sequence ?? 0),
  };
}
