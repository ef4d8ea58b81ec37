import { isValidName } from '../../upstream/http/path.ts';
import {
  aboutJobFreshUntil,
  activeFreshUntil,
  type JobEnd,
  type Observation,
  type SequencedObservation,
  settledFreshUntil,
} from '../cache/freshness.ts';
import {
  createReadThrough,
  newerRequestWins,
  type ReadThrough,
  type UpstreamReadOptions,
} from '../cache/read-through.ts';
import type { Access } from '../cache/scope.ts';
import { limitFreshness, type ReadContext } from '../cache/single-flight.ts';
import { estimateBytes } from '../cache/size-estimate.ts';
import type { ResourceStoreOptions } from '../cache/store-options.ts';

/** What jobs name by ids that are never given twice: files and models. */
export interface EntityStore<T> {
  /**
   * The thing as it is now, null when there is none; `end` is that of the job that names it. Throws UpstreamError, or the
   * reason of the caller's signal.
   */
  get(access: Access, id: string, end: JobEnd, readContext: ReadContext): Promise<T | null>;
  /** The thing if it is kept and fresh, null when it is known that there is none. */
  getFresh(access: Access, id: string, end: JobEnd, readContext: ReadContext): T | null | undefined;
  /** The thing as it was last seen, however old that is, if only its deletion could have changed it. */
  getSettled(access: Access, id: string): T | undefined;
  /** Takes note of what this gateway has made of it; null when it has deleted it. Lists read before are out of date. */
  put(access: Access, id: string, thing: T | null): void;
  /** Takes note that this gateway may have deleted it, or not: nothing that was read before tells. */
  invalidate(access: Access, id: string): void;
  /** Whether this id was last seen as that of such a thing. */
  has(access: Access, id: string): boolean;
}

export interface EntityStoreOptions<T> {
  /** What they are called among all that is kept. */
  noun: string;
  /** Whether only its deletion can still change it. */
  isSettled: (thing: T) => boolean;
  read: (id: string, call: UpstreamReadOptions) => Promise<T | null>;
  /** Told of each that is put. */
  changed: (access: Access) => void;
}

/** Beside the things, the reads that keep them: lists show them too. */
export function createEntityStore<T extends object>(
  { clock, limits, partition }: ResourceStoreOptions,
  { noun, isSettled, read, changed }: EntityStoreOptions<T>,
): { entities: EntityStore<T>; readThrough: ReadThrough<T | null, SequencedObservation<T | null>> } {
  const readThrough = createReadThrough<T | null, SequencedObservation<T | null>>({
    clock,
    cache: partition(noun),
    merge: newerRequestWins,
    estimateBytes,
  });

  // One that was gone when its job had settled stays gone.
  function freshUntil(observation: Observation<T | null>, end: JobEnd): number {
    const { value, receivedAt } = observation;
    if (value === null) return aboutJobFreshUntil(observation, end, limits);
    return isSettled(value) ? settledFreshUntil(receivedAt, limits) : activeFreshUntil(receivedAt, limits);
  }

  const entities: EntityStore<T> = {
    async get(access, id, end, readContext) {
      if (!isValidName(id)) return null; // Not even kept: no client fills the store with what cannot be.
      const { value } = await readThrough.get({
        access,
        name: id,
        readContext,
        freshUntil: (observation) => freshUntil(observation, end),
        read: (call) => read(id, call),
        notBefore: end.endedAt,
      });
      return value;
    },
    getFresh(access, id, end, readContext) {
      const observation = readThrough.peek(access, id);
      if (observation === undefined || clock.now() >= freshUntil(observation, end)) return undefined;
      limitFreshness(readContext, freshUntil(observation, end));
      return observation.value;
    },
    getSettled(access, id) {
      const thing = readThrough.peek(access, id)?.value;
      return thing && isSettled(thing) ? thing : undefined;
    },
    put(access, id, thing) {
      changed(access);
      readThrough.put(access, id, thing);
    },
    invalidate(access, id) {
      changed(access);
      readThrough.invalidate(access, id);
    },
    has: (access, id) => Boolean(readThrough.peek(access, id)?.value),
  };
  return { entities, readThrough };
}
