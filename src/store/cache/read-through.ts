import type { Credential } from '../../upstream/credentials/credential.ts';
import { isOutage } from '../../upstream/errors/upstream-error.ts';
import type { Observation, SequencedObservation } from './freshness.ts';
import { createGenerations } from './generation.ts';
import type { CachePartition } from './memory-cache.ts';
import type { Access } from './scope.ts';
import type { SequenceClock } from './sequence-clock.ts';
import { createSingleFlight, type FlightSignal, limitFreshness, type ReadContext } from './single-flight.ts';

/** What caused the upstream to be asked. */
export type Cause = 'poll' | 'webhook' | 'mutation' | 'query';

/** What a read of the upstream is given. */
export type UpstreamReadOptions = FlightSignal & { readonly credential: Credential };

export interface ReadOptions<T, S extends Observation<T>> {
  access: Access;
  /** What is read; the scope joins it. */
  name: string;
  readContext: ReadContext;
  /** Until when a sight answers this question, in milliseconds since the epoch. */
  freshUntil: (sight: S) => number;
  read: (call: UpstreamReadOptions) => Promise<T>;
  /** What began earlier is not joined. */
  notBefore?: number | undefined;
  /** Whether a sight, however old, answers as long as the upstream does not; by default none does. */
  isSettled?: ((sight: S) => boolean) | undefined;
  /** A query unless it says otherwise. */
  cause?: Cause | undefined;
}

/** What came of a sight: `sight` is to be believed from now on, which is `next` only if that is news. */
export interface RecordResult<T, S> {
  readonly previous: S | undefined;
  readonly accepted: S;
  readonly observed: SequencedObservation<T>;
  readonly cause: Cause;
}

/** Things of one kind, each kept while it is fresh and read once at a time. */
export interface ReadThrough<T, S extends Observation<T>> {
  /** The kept sight if it is fresh, else a new one. Rejects with UpstreamError, or the reason of the caller's signal. */
  get(options: ReadOptions<T, S>): Promise<S>;
  /** What is kept, however old. */
  peek(access: Access, name: string): S | undefined;
  /** Takes note of a sight that came by another way. Gives the sight to be believed. */
  record(access: Access, name: string, observation: SequencedObservation<T>, cause: Cause): S;
  /**
   * Takes note of what a change has made of it, now: no read that began before is believed or joined any more. Gives the
   * sight to be believed.
   */
  put(access: Access, name: string, value: T): S;
  /** Forgets it, as a change may have made something else of it: no read that began before is kept or joined any more. */
  invalidate(access: Access, name: string): void;
}

export interface ReadThroughOptions<T, S extends Observation<T>> {
  clock: SequenceClock;
  /** Where sights are kept; without one, none is. */
  cache: CachePartition<S> | null;
  /** The sight to be believed, of the one kept and the one that has come. */
  merge: (kept: S | undefined, next: SequencedObservation<T>) => S;
  /** Bytes that a value takes in memory. */
  estimateBytes: (value: T) => number;
  /** Told of each sight. */
  onRecorded?: (access: Access, name: string, outcome: RecordResult<T, S>) => void;
}

/** Of two sights the one whose question was asked later. */
export function newerRequestWins<T>(
  previous: SequencedObservation<T> | undefined,
  next: SequencedObservation<T>,
): SequencedObservation<T> {
  return previous !== undefined && previous.requestedSeq > next.requestedSeq ? previous : next;
}

/** Reads something, and takes the times. */
export async function observe<T>(clock: SequenceClock, read: () => Promise<T>): Promise<SequencedObservation<T>> {
  const [requestedAt, requestedSeq] = [clock.now(), clock.nextSequence()];
  const value = await read();
  return { value, requestedAt, requestedSeq, receivedAt: clock.now(), receivedSeq: clock.nextSequence() };
}

export function createReadThrough<T, S extends Observation<T>>(options: ReadThroughOptions<T, S>): ReadThrough<T, S> {
  const { clock, cache, merge, estimateBytes, onRecorded } = options;
  const singleFlight = createSingleFlight<S>(clock);
  const invalidations = createGenerations(clock);

  function record(access: Access, name: string, observed: SequencedObservation<T>, cause: Cause): S {
    const key = keyOf(access, name);
    const previous = cache?.get(key);
    const accepted = merge(previous, observed);
    const isInvalidated = observed.requestedSeq < invalidations.get(key).sequence;
    if (cache && accepted !== previous && !isInvalidated) cache.set(key, accepted, estimateBytes(accepted.value));
    onRecorded?.(access, name, { previous, accepted, observed, cause });
    return accepted;
  }

  return {
    async get({ access, name, readContext, freshUntil, read, notBefore, isSettled, cause = 'query' }) {
      const key = keyOf(access, name);
      const cached = cache?.get(key);
      const isFresh = cached !== undefined && clock.now() < freshUntil(cached);
      const readUpstream = async (flight: FlightSignal) => {
        const call = { credential: access.credential, ...flight };
        return record(access, name, await observe(clock, () => read(call)), cause);
      };
      const observation = isFresh
        ? cached
        : await singleFlight.run(key, readContext, readUpstream, notBefore).catch((error) => {
            if (cached !== undefined && isSettled?.(cached) && isOutage(error)) return cached;
            throw error;
          });
      limitFreshness(readContext, freshUntil(observation));
      return observation;
    },
    peek: (access, name) => cache?.get(keyOf(access, name)),
    record,
    put(access, name, value) {
      singleFlight.detach(keyOf(access, name));
      const [now, seq] = [clock.now(), clock.nextSequence()];
      const observed = { value, requestedAt: now, requestedSeq: seq, receivedAt: now, receivedSeq: seq };
      return record(access, name, observed, 'mutation');
    },
    invalidate(access, name) {
      const key = keyOf(access, name);
      singleFlight.detach(key);
      invalidations.bump(key);
      cache?.delete(key);
    },
  };
}

/** By which a thing is kept: its scope and its name there. */
export const keyOf = ({ scope }: Access, name: string) => `${scope} ${name}`;
