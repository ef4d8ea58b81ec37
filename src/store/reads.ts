import type { Clock } from '../clock.ts';
import type { Credential } from '../upstream/credential.ts';
import { isOutage } from '../upstream/errors.ts';
import { type Caller, createFlights, type Departure, restOn } from './flights.ts';
import type { Sight } from './freshness.ts';
import type { Access } from './scope.ts';
import type { Shelf } from './shelf.ts';

/** What a read of the upstream is given. */
export type ReadCall = Departure & { readonly credential: Credential };

export interface ReadOptions<T, S extends Sight<T>> {
  access: Access;
  /** What is read; the scope joins it. */
  name: string;
  caller: Caller;
  /** Until when a sight answers this question, in milliseconds since the epoch. */
  freshUntil: (sight: S) => number;
  read: (call: ReadCall) => Promise<T>;
  /** What began earlier is not joined. */
  notBefore?: number | undefined;
  /** Whether a sight, however old, answers as long as the upstream does not; by default none does. */
  isSettled?: ((sight: S) => boolean) | undefined;
}

/** Things of one kind, each kept while it is fresh and read once at a time. */
export interface Reads<T, S extends Sight<T>> {
  /** The kept sight if it is fresh, else a new one. Rejects with UpstreamError, or the reason of the caller's signal. */
  get(options: ReadOptions<T, S>): Promise<S>;
  /** What is kept, however old. */
  kept(access: Access, name: string): S | undefined;
  /** Takes note of a sight that came by another way. Gives the sight to be believed. */
  see(access: Access, name: string, sight: Sight<T>): S;
}

export interface ReadsOptions<T, S extends Sight<T>> {
  clock: Clock;
  /** Where sights are kept; without one, none is. */
  shelf: Shelf<S> | null;
  /** The sight to be believed, of the one kept and the one that has come. */
  choose: (kept: S | undefined, next: Sight<T>) => S;
  /** Bytes that a value takes in memory. */
  weigh: (value: T) => number;
  /** Told of each sight that is believed, with the one that was kept before. */
  onSight?: (access: Access, kept: S | undefined, sight: S) => void;
}

/** Of two sights the one whose question was asked later. */
export function later<T>(kept: Sight<T> | undefined, next: Sight<T>): Sight<T> {
  return kept !== undefined && kept.beganAt > next.beganAt ? kept : next;
}

/** Reads something, and takes the times. */
export async function takeSight<T>(clock: Clock, read: () => Promise<T>): Promise<Sight<T>> {
  const beganAt = clock.now();
  const value = await read();
  return { value, beganAt, arrivedAt: clock.now() };
}

export function createReads<T, S extends Sight<T>>(options: ReadsOptions<T, S>): Reads<T, S> {
  const { clock, shelf, choose, weigh, onSight } = options;
  const flights = createFlights<S>(clock);

  function keep(access: Access, key: string, next: Sight<T>): S {
    const kept = shelf?.get(key);
    const sight = choose(kept, next);
    if (shelf && sight !== kept) shelf.set(key, sight, weigh(sight.value));
    onSight?.(access, kept, sight);
    return sight;
  }

  return {
    async get({ access, name, caller, freshUntil, read, notBefore, isSettled }) {
      const key = keyOf(access, name);
      const kept = shelf?.get(key);
      const isFresh = kept !== undefined && clock.now() < freshUntil(kept);
      const fly = async (departure: Departure) => {
        const call = { credential: access.credential, ...departure };
        return keep(access, key, await takeSight(clock, () => read(call)));
      };
      const sight = isFresh
        ? kept
        : await flights.join(key, caller, fly, notBefore).catch((error) => {
            if (kept !== undefined && isSettled?.(kept) && isOutage(error)) return kept;
            throw error;
          });
      restOn(caller, freshUntil(sight));
      return sight;
    },
    kept: (access, name) => shelf?.get(keyOf(access, name)),
    see: (access, name, sight) => keep(access, keyOf(access, name), sight),
  };
}

const keyOf = ({ scope }: Access, name: string) => `${scope} ${name}`;
