import type { CachePartition } from '../../memory-cache.ts';
import { endOf, type JobEnd, type JobObservation } from '../cache/freshness.ts';
import { createGenerations, type Generation } from '../cache/generation.ts';
import { keyOf } from '../cache/read-through.ts';
import type { Scoped } from '../cache/scope.ts';
import type { ResourceStoreOptions } from '../cache/store-options.ts';

/** Invalidation of jobs, of data about jobs, and of lists and whole responses. Times are milliseconds since the epoch. */
export interface JobInvalidation {
  /** Marks observations of a job as stale, in all scopes, and starts the next list generation of all scopes. */
  markStaleEverywhere(id: string): void;
  /** Marks observations of all jobs of the scope as stale, and starts its next list generation. */
  markAllStale(access: Scoped): void;
  /** Returns when the job was last marked as stale: observations requested before are stale. -Infinity if it never was. */
  staleBefore(access: Scoped, id: string): number;

  /** Records that this gateway has changed a job: data about it, lists and responses read before are not used. */
  recordChange(access: Scoped, id: string): void;
  /**
   * Records a change of a job whose result is not known here: by another replica, or a call without a response. As `recordChange`,
   * and observations of the job in this scope are stale.
   */
  recordUnseenChange(access: Scoped, id: string): void;
  /** Returns the last recorded change of a job. Data about the job read before it is not used. */
  lastChange(access: Scoped, id: string): Generation;

  /** Records that a job of the scope has ended: lists of files and models may lack the effects. */
  recordEnd(access: Scoped): void;
  /** Time of the last recorded end of any job of the scope; -Infinity when there is none. */
  lastEndAt(access: Scoped): number;
  /** Returns the end of a job by its last observation. */
  end(access: Scoped, id: string): JobEnd;

  /** Records that the state of a job of the scope was observed to be another one: whole responses can have the old one. */
  recordTransition(access: Scoped): void;
  /** Starts the next list generation of the scope. */
  bumpGeneration(access: Scoped): void;
  /** Returns the list generation of the scope. It increases with each invalidation; lists of another one are not used. */
  listGeneration(access: Scoped): number;
  /** Returns the generation of cached responses: as `listGeneration`, and it also increases with each transition. */
  responseGeneration(access: Scoped): number;
}

/** Key for all jobs; an id is never empty. */
const ANY_JOB = '';

export function createJobInvalidation(
  { clock, partition }: Pick<ResourceStoreOptions, 'clock' | 'partition'>,
  observations: Pick<CachePartition<JobObservation>, 'get'>,
): JobInvalidation {
  const lastEnds = partition<Generation>('end');
  const transitions = createGenerations(clock); // By scope.
  const changes = createGenerations(clock); // By scope, and by scope and job.
  const staleMarks = createGenerations(clock); // By job alone: a webhook does not name a scope. Else by scope and job.

  const listGeneration = ({ scope }: Scoped) =>
    Math.max(clock.floor.sequence, changes.get(scope).sequence, staleMarks.get(ANY_JOB).sequence);
  const bumpGeneration = ({ scope }: Scoped) => changes.bump(scope);

  function staleBefore(access: Scoped, id: string): number {
    const key = keyOf(access, id);
    const marked = Math.max(staleMarks.get(id).at, staleMarks.get(key).at);
    return Math.max(clock.floor.at, marked, changes.get(keyOf(access, ANY_JOB)).at);
  }

  function recordChange(access: Scoped, id: string) {
    bumpGeneration(access);
    changes.bump(keyOf(access, id));
  }

  return {
    markStaleEverywhere(id) {
      staleMarks.bump(id);
      staleMarks.bump(ANY_JOB);
    },
    markAllStale(access) {
      bumpGeneration(access);
      changes.bump(keyOf(access, ANY_JOB));
    },
    staleBefore,
    recordChange,
    recordUnseenChange(access, id) {
      recordChange(access, id);
      staleMarks.bump(keyOf(access, id));
    },
    lastChange(access, id) {
      const change = changes.get(keyOf(access, id));
      return change.sequence > clock.floor.sequence ? change : clock.floor;
    },
    recordEnd: ({ scope }) => void lastEnds?.set(scope, { at: clock.now(), sequence: clock.nextSequence() }, 0),
    lastEndAt: ({ scope }) => lastEnds?.get(scope)?.at ?? Number.NEGATIVE_INFINITY,
    end: (access, id) => endOf(observations.get(keyOf(access, id))),
    recordTransition: ({ scope }) => transitions.bump(scope),
    bumpGeneration,
    listGeneration,
    responseGeneration: (access) => Math.max(listGeneration(access), transitions.get(access.scope).sequence),
  };
}
