import type { CachePartition } from '../../memory-cache.ts';
import type { Credential } from '../../upstream/credentials/credential.ts';
import { isOutage } from '../../upstream/errors/upstream-error.ts';
import type { Observation, SequencedObservation } from './freshness.ts';
import { createGenerations } from './generation.ts';
import type { Access } from './scope.ts';
import type { SequenceClock } from './sequence-clock.ts';
import { createSingleFlight, type FlightOptions, limitFreshness, type ReadContext } from './single-flight.ts';

/** Why the upstream was read. */
export type Cause = 'poll' | 'webhook' | 'mutation' | 'query';

/** Options of one upstream read. */
export type UpstreamReadOptions = FlightOptions & { readonly credential: Credential };

/** One read. `P` is the type of the parameters of the read function, beside the name. */
export interface ReadRequest<P> {
  readonly access: Access;
  /** The cache key within the scope. */
  readonly name: string;
  readonly params: P;
  readonly readContext: ReadContext;
  /** Reads in flight that started earlier are not joined. Milliseconds since the epoch. */
  readonly notBefore?: number | undefined;
  /** Default: query. */
  readonly cause?: Cause | undefined;
}

/** The effect of recording an observation: `accepted` is `previous` when the observation was rejected. */
export interface RecordResult<T, S> {
  readonly previous: S | undefined;
  readonly accepted: S;
  readonly observed: SequencedObservation<T>;
  readonly cause: Cause;
}

/** Accepted observations of one kind, by scope and name. */
export interface ObservationCache<T, S extends Observation<T>> {
  /** Returns the cached observation, fresh or stale. */
  peek(access: Access, name: string): S | undefined;
  /** Records an observation made by another read. Returns the accepted one. */
  record(access: Access, name: string, observation: SequencedObservation<T>, cause: Cause): S;
  /** Records the result of a mutation. Reads that started earlier are rejected and not joined. Returns the accepted one. */
  put(access: Access, name: string, value: T): S;
  /** Removes an entry that a mutation may have changed. Reads that started earlier are not cached and not joined. */
  invalidate(access: Access, name: string): void;
}

/** A cache that reads missing and stale entries upstream, with single flight. */
export interface ReadThrough<T, S extends Observation<T>, P> extends ObservationCache<T, S> {
  /** Returns the cached observation if fresh, else a new one. Rejects with UpstreamError or `signal.reason`. */
  get(request: ReadRequest<P>): Promise<S>;
  /** Reads upstream regardless of the cache and of reads in flight. Rejects with UpstreamError or `signal.reason`. */
  refresh(request: ReadRequest<P>): Promise<S>;
}

export interface ReadThroughOptions<T, S extends Observation<T>, P> {
  clock: SequenceClock;
  /** Null when caching is disabled: reads in flight are still shared. */
  cache: CachePartition<S> | null;
  read: (request: ReadRequest<P>, call: UpstreamReadOptions) => Promise<T>;
  /** Returns when an observation becomes stale for this request, in milliseconds since the epoch. */
  freshUntil: (observation: S, request: ReadRequest<P>) => number;
  /** Whether a stale observation may be served while the upstream is down. Default: never. */
  isSettled?: (observation: S, request: ReadRequest<P>) => boolean;
  /** Decides which of the cached and the new observation to accept. */
  merge: (previous: S | undefined, next: SequencedObservation<T>) => S;
  estimateBytes: (value: T) => number;
  /** Called for each recorded observation. */
  onRecorded?: (access: Access, name: string, result: RecordResult<T, S>) => void;
}

/** A merge rule: accepts the observation with the later request. */
export function newerRequestWins<T>(
  previous: SequencedObservation<T> | undefined,
  next: SequencedObservation<T>,
): SequencedObservation<T> {
  return previous !== undefined && previous.requestedSeq > next.requestedSeq ? previous : next;
}

/** Reads a value and records the times of request and response. */
export async function observe<T>(clock: SequenceClock, read: () => Promise<T>): Promise<SequencedObservation<T>> {
  const [requestedAt, requestedSeq] = [clock.now(), clock.nextSequence()];
  const value = await read();
  return { value, requestedAt, requestedSeq, receivedAt: clock.now(), receivedSeq: clock.nextSequence() };
}

export function createReadThrough<T, S extends Observation<T>, P>(
  options: ReadThroughOptions<T, S, P>,
): ReadThrough<T, S, P> {
  const { clock, cache, read, freshUntil, isSettled, merge, estimateBytes, onRecorded } = options;
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

  function readShared(key: string, request: ReadRequest<P>, notBefore = request.notBefore): Promise<S> {
    const { access, name, cause = 'query', readContext } = request;
    const readUpstream = async (flightOptions: FlightOptions) => {
      const call = { credential: access.credential, ...flightOptions };
      return record(access, name, await observe(clock, () => read(request, call)), cause);
    };
    return singleFlight.run(key, readContext, readUpstream, notBefore);
  }

  async function readOrServeStale(key: string, request: ReadRequest<P>, cached: S | undefined): Promise<S> {
    try {
      return await readShared(key, request);
    } catch (error) {
      if (cached !== undefined && isSettled?.(cached, request) && isOutage(error)) return cached;
      throw error;
    }
  }

  return {
    async get(request) {
      const key = keyOf(request.access, request.name);
      const cached = cache?.get(key);
      const isFresh = cached !== undefined && clock.now() < freshUntil(cached, request);
      const observation = isFresh ? cached : await readOrServeStale(key, request, cached);
      limitFreshness(request.readContext, freshUntil(observation, request)); // Invalidation may have changed it since.
      return observation;
    },
    async refresh(request) {
      const observation = await readShared(keyOf(request.access, request.name), request, Number.POSITIVE_INFINITY);
      limitFreshness(request.readContext, Number.NEGATIVE_INFINITY);
      return observation;
    },
    peek: (access, name) => cache?.get(keyOf(access, name)),
    record,
    put(access, name, value) {
      singleFlight.detach(keyOf(access, name));
      const [now, sequence] = [clock.now(), clock.nextSequence()];
      const observed = { value, requestedAt: now, requestedSeq: sequence, receivedAt: now, receivedSeq: sequence };
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

/** Returns the cache key of a name within a scope. */
export const keyOf = ({ scope }: Access, name: string) => `${scope} ${name}`;
