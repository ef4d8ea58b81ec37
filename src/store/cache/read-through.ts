import type { Credential } from '../../upstream/credentials/credential.ts';
import { isOutage } from '../../upstream/errors/upstream-error.ts';
import type { Seen, Sight } from './freshness.ts';
import { createGenerations } from './generation.ts';
import type { Shelf } from './memory-cache.ts';
import type { Access } from './scope.ts';
import type { Timeline } from './sequence-clock.ts';
import { type Caller, createFlights, type Departure, restOn } from './single-flight.ts';

/** What caused the upstream to be asked. */
export type Cause = 'poll' | 'webhook' | 'mutation' | 'query';

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
  /** A query unless it says otherwise. */
  cause?: Cause | undefined;
}

/** What came of a sight: `sight` is to be believed from now on, which is `next` only if that is news. */
export interface Outcome<T, S> {
  readonly kept: S | undefined;
  readonly sight: S;
  readonly next: Seen<T>;
  readonly cause: Cause;
}

/** Things of one kind, each kept while it is fresh and read once at a time. */
export interface Reads<T, S extends Sight<T>> {
  /** The kept sight if it is fresh, else a new one. Rejects with UpstreamError, or the reason of the caller's signal. */
  get(options: ReadOptions<T, S>): Promise<S>;
  /** What is kept, however old. */
  kept(access: Access, name: string): S | undefined;
  /** Takes note of a sight that came by another way. Gives the sight to be believed. */
  see(access: Access, name: string, sight: Seen<T>, cause: Cause): S;
  /**
   * Takes note of what a change has made of it, now: no read that began before is believed or joined any more. Gives the
   * sight to be believed.
   */
  put(access: Access, name: string, value: T): S;
  /** Forgets it, as a change may have made something else of it: no read that began before is kept or joined any more. */
  doubt(access: Access, name: string): void;
}

export interface ReadsOptions<T, S extends Sight<T>> {
  clock: Timeline;
  /** Where sights are kept; without one, none is. */
  shelf: Shelf<S> | null;
  /** The sight to be believed, of the one kept and the one that has come. */
  choose: (kept: S | undefined, next: Seen<T>) => S;
  /** Bytes that a value takes in memory. */
  weigh: (value: T) => number;
  /** Told of each sight. */
  onSight?: (access: Access, name: string, outcome: Outcome<T, S>) => void;
}

/** Of two sights the one whose question was asked later. */
export function later<T>(kept: Seen<T> | undefined, next: Seen<T>): Seen<T> {
  return kept !== undefined && kept.beganTurn > next.beganTurn ? kept : next;
}

/** Reads something, and takes the times. */
export async function takeSight<T>(clock: Timeline, read: () => Promise<T>): Promise<Seen<T>> {
  const [beganAt, beganTurn] = [clock.now(), clock.turn()];
  const value = await read();
  return { value, beganAt, beganTurn, arrivedAt: clock.now(), arrivedTurn: clock.turn() };
}

export function createReads<T, S extends Sight<T>>(options: ReadsOptions<T, S>): Reads<T, S> {
  const { clock, shelf, choose, weigh, onSight } = options;
  const flights = createFlights<S>(clock);
  const doubts = createGenerations(clock);

  function keep(access: Access, name: string, next: Seen<T>, cause: Cause): S {
    const key = keyOf(access, name);
    const kept = shelf?.get(key);
    const sight = choose(kept, next);
    const isDoubted = next.beganTurn < doubts.of(key).turn;
    if (shelf && sight !== kept && !isDoubted) shelf.set(key, sight, weigh(sight.value));
    onSight?.(access, name, { kept, sight, next, cause });
    return sight;
  }

  return {
    async get({ access, name, caller, freshUntil, read, notBefore, isSettled, cause = 'query' }) {
      const key = keyOf(access, name);
      const kept = shelf?.get(key);
      const isFresh = kept !== undefined && clock.now() < freshUntil(kept);
      const fly = async (departure: Departure) => {
        const call = { credential: access.credential, ...departure };
        return keep(access, name, await takeSight(clock, () => read(call)), cause);
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
    see: keep,
    put(access, name, value) {
      flights.part(keyOf(access, name));
      const [now, turn] = [clock.now(), clock.turn()];
      const next = { value, beganAt: now, beganTurn: turn, arrivedAt: now, arrivedTurn: turn };
      return keep(access, name, next, 'mutation');
    },
    doubt(access, name) {
      const key = keyOf(access, name);
      flights.part(key);
      doubts.begin(key);
      shelf?.delete(key);
    },
  };
}

/** By which a thing is kept: its scope and its name there. */
export const keyOf = ({ scope }: Access, name: string) => `${scope} ${name}`;
