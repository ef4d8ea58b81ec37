import { isValidName } from '../../upstream/http/path.ts';
import { CacheReads } from '../cache/cache-reads.ts';
import type { FlightCall } from '../cache/flight.ts';
import {
  aboutJobFreshUntil,
  activeFreshUntil,
  type JobEnd,
  type SequencedObservation,
  settledFreshUntil,
} from '../cache/freshness.ts';
import type { ReadContext } from '../cache/read-context.ts';
import { createReadThrough, newerRequestWins, type ObservationCache } from '../cache/read-through.ts';
import { createRefreshAhead } from '../cache/refresh-ahead.ts';
import type { Access, Scoped } from '../cache/scope.ts';
import { estimateBytes } from '../cache/size-estimate.ts';
import type { ResourceStoreOptions } from '../cache/store-options.ts';

/** Entities that jobs refer to by id: files and models. An id is never reused. */
export interface EntityStore<T> {
  /**
   * Returns the entity, from the cache while fresh; null when there is none. `end` is that of the job that refers to it.
   * Throws UpstreamError, or the reason of the context's signal.
   */
  get(access: Access, id: string, end: JobEnd, readContext: ReadContext): Promise<T | null>;
  /**
   * Returns the cached entity if fresh, null if it is known not to exist, undefined otherwise. Calls `onDue` when the entity
   * is to be read anew in the background: once, near its end.
   */
  getFresh(access: Access, id: string, end: JobEnd, readContext: ReadContext, onDue?: () => void): T | null | undefined;
  /** Returns the cached entity, fresh or stale, if it is settled. */
  getSettled(access: Access, id: string): T | undefined;
  /** Records the entity after a mutation, null after its deletion, and invalidates the lists read before. */
  put(access: Access, id: string, entity: T | null): void;
  /** Invalidates an entity that this gateway may have deleted, and the lists read before. */
  invalidate(access: Scoped, id: string): void;
  /** Whether the entity is cached, fresh or stale. */
  has(access: Access, id: string): boolean;
}

export interface EntityStoreOptions<T> {
  /** Name of the cache partition. */
  name: string;
  /** Whether an entity can no longer change, other than by its deletion. */
  isSettled: (entity: T) => boolean;
  read: (id: string, call: FlightCall) => Promise<T | null>;
  /** Called when an entity is put or invalidated. */
  onChange: (access: Scoped) => void;
}

/** Also returns the cache of the entities: lists record them there. */
export function createEntityStore<T extends object>(
  { clock, limits, partition }: ResourceStoreOptions,
  { name, isSettled, read, onChange }: EntityStoreOptions<T>,
): { entities: EntityStore<T>; values: ObservationCache<T | null, SequencedObservation<T | null>> } {
  // An absence that was observed after the job had settled is final.
  function freshUntil(observation: SequencedObservation<T | null>, end: JobEnd): number {
    const { value, receivedAt, requestedSeq } = observation;
    if (requestedSeq < clock.floor.sequence) return Number.NEGATIVE_INFINITY;
    if (value === null) return aboutJobFreshUntil(observation, end, limits);
    return isSettled(value) ? settledFreshUntil(receivedAt, limits) : activeFreshUntil(receivedAt, limits);
  }

  const readThrough = createReadThrough<T | null, SequencedObservation<T | null>, JobEnd>({
    clock,
    kind: name,
    cache: partition(name),
    read: ({ name: id }, call) => read(id, call),
    freshUntil: (observation, { params: end }) => freshUntil(observation, end),
    merge: newerRequestWins,
    estimateBytes,
  });

  const refreshAhead = createRefreshAhead(clock);
  const reads = new CacheReads(name);

  const entities: EntityStore<T> = {
    get(access, id, end, readContext) {
      if (!isValidName(id)) return Promise.resolve(null); // Not cached, so that no client fills the cache with invalid ids.
      return readThrough.get({ access, name: id, params: end, readContext, notBefore: end.endedAt });
    },
    getFresh(access, id, end, readContext, onDue) {
      const observation = readThrough.peek(access, id);
      if (observation === undefined) return undefined;
      const until = freshUntil(observation, end);
      if (clock.now() >= until) return undefined;
      const use = refreshAhead.useOf(observation, until, readContext);
      if (use === 'read') return undefined;
      if (use === 'serveAndRefresh') onDue?.();
      readContext.limitFreshness(until);
      reads.hit();
      return observation.value;
    },
    getSettled(access, id) {
      const entity = readThrough.peek(access, id)?.value;
      return entity && isSettled(entity) ? entity : undefined;
    },
    put(access, id, entity) {
      onChange(access);
      readThrough.put(access, id, entity);
    },
    invalidate(access, id) {
      onChange(access);
      readThrough.invalidate(access, id);
    },
    has: (access, id) => Boolean(readThrough.peek(access, id)?.value),
  };
  return { entities, values: readThrough };
}
