import { isName } from '../../upstream/http/path.ts';
import {
  aboutJobFreshUntil,
  activeFreshUntil,
  type JobEnd,
  type Seen,
  type Sight,
  settledFreshUntil,
} from '../cache/freshness.ts';
import { createReads, later, type ReadCall, type Reads } from '../cache/read-through.ts';
import type { Access } from '../cache/scope.ts';
import { type Caller, restOn } from '../cache/single-flight.ts';
import { weigh } from '../cache/size-estimate.ts';
import type { PartOptions } from '../cache/store-options.ts';

/** What jobs name by ids that are never given twice: files and models. */
export interface Things<T> {
  /**
   * The thing as it is now, null when there is none; `end` is that of the job that names it. Throws UpstreamError, or the
   * reason of the caller's signal.
   */
  get(access: Access, id: string, end: JobEnd, caller: Caller): Promise<T | null>;
  /** The thing if it is kept and fresh, null when it is known that there is none. */
  fresh(access: Access, id: string, end: JobEnd, caller: Caller): T | null | undefined;
  /** The thing as it was last seen, however old that is, if only its deletion could have changed it. */
  settled(access: Access, id: string): T | undefined;
  /** Takes note of what this gateway has made of it; null when it has deleted it. Lists read before are out of date. */
  put(access: Access, id: string, thing: T | null): void;
  /** Takes note that this gateway may have deleted it, or not: nothing that was read before tells. */
  doubt(access: Access, id: string): void;
  /** Whether this id was last seen as that of such a thing. */
  knows(access: Access, id: string): boolean;
}

export interface ThingsOptions<T> {
  /** What they are called among all that is kept. */
  noun: string;
  /** Whether only its deletion can still change it. */
  isSettled: (thing: T) => boolean;
  read: (id: string, call: ReadCall) => Promise<T | null>;
  /** Told of each that is put. */
  changed: (access: Access) => void;
}

/** Beside the things, the reads that keep them: lists show them too. */
export function createThings<T extends object>(
  { clock, limits, shelf }: PartOptions,
  { noun, isSettled, read, changed }: ThingsOptions<T>,
): { things: Things<T>; reads: Reads<T | null, Seen<T | null>> } {
  const reads = createReads<T | null, Seen<T | null>>({ clock, shelf: shelf(noun), choose: later, weigh });

  // One that was gone when its job had settled stays gone.
  function freshUntil(sight: Sight<T | null>, end: JobEnd): number {
    const { value, arrivedAt } = sight;
    if (value === null) return aboutJobFreshUntil(sight, end, limits);
    return isSettled(value) ? settledFreshUntil(arrivedAt, limits) : activeFreshUntil(arrivedAt, limits);
  }

  const things: Things<T> = {
    async get(access, id, end, caller) {
      if (!isName(id)) return null; // Not even kept: no client fills the store with what cannot be.
      const { value } = await reads.get({
        access,
        name: id,
        caller,
        freshUntil: (sight) => freshUntil(sight, end),
        read: (call) => read(id, call),
        notBefore: end.endedAt,
      });
      return value;
    },
    fresh(access, id, end, caller) {
      const sight = reads.kept(access, id);
      if (sight === undefined || clock.now() >= freshUntil(sight, end)) return undefined;
      restOn(caller, freshUntil(sight, end));
      return sight.value;
    },
    settled(access, id) {
      const thing = reads.kept(access, id)?.value;
      return thing && isSettled(thing) ? thing : undefined;
    },
    put(access, id, thing) {
      changed(access);
      reads.put(access, id, thing);
    },
    doubt(access, id) {
      changed(access);
      reads.doubt(access, id);
    },
    knows: (access, id) => Boolean(reads.kept(access, id)?.value),
  };
  return { things, reads };
}
