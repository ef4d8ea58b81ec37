import type { CachePartition } from '../../memory-cache.ts';
import { isOutage } from '../../upstream/errors/upstream-error.ts';
import type { PageItem } from '../../upstream/resources/page.ts';
import { CacheReads } from './cache-reads.ts';
import type { FlightCall } from './flight.ts';
import type { ObservationTimes, SequencedObservation } from './freshness.ts';
import { createGenerations } from './generation.ts';
import { backgroundContext, createRefreshAhead, runInBackground } from './refresh-ahead.ts';
import type { Access, Scoped } from './scope.ts';
import type { SequenceClock } from './sequence-clock.ts';
import { createSingleFlight, type FlightRequest } from './single-flight.ts';

/** Why the upstream was read. */
export type Cause = 'poll' | 'webhook' | 'mutation' | 'query';

/** One read. `P` is the type of the parameters of the read function, beside the name. */
export interface ReadRequest<P> extends FlightRequest {
  /** The cache key within the scope. */
  readonly name: string;
  readonly params: P;
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
export interface ObservationCache<T, S extends SequencedObservation<T>> {
  /** Returns the cached observation, fresh or stale. */
  peek(access: Access, name: string): S | undefined;
  /** Records an observation made by another read. Returns the accepted one. */
  record(access: Access, name: string, observation: SequencedObservation<T>, cause: Cause): S;
  /** Records the values on a page. Returns the items with the accepted values: some may be newer. */
  recordPage(
    access: Access,
    items: readonly PageItem<NonNullable<T>>[],
    times: ObservationTimes,
    causeOf: ((value: NonNullable<T>) => Cause) | undefined,
  ): readonly PageItem<NonNullable<T>>[];
  /** Records the result of a mutation. Reads that started earlier are rejected and not joined. Returns the accepted one. */
  put(access: Access, name: string, value: T): S;
  /** Removes an entry that a mutation may have changed. Reads that started earlier are not cached and not joined. */
  invalidate(access: Scoped, name: string): void;
}

/** A cache that reads missing and stale entries upstream, with single flight. */
export interface ReadThrough<T, S extends SequencedObservation<T>, P> extends ObservationCache<T, S> {
  /** Returns the cached value if fresh, else a new one. Rejects with UpstreamError or the reason of an abort. */
  get(request: ReadRequest<P>): Promise<T>;
  /** Reads upstream regardless of the cache and of reads in flight. Rejects as `get` does. */
  refresh(request: ReadRequest<P>): Promise<S>;
}

export interface ReadThroughOptions<T, S extends SequencedObservation<T>, P> {
  clock: SequenceClock;
  /** The kind of the values, as a label of metrics. */
  kind: string;
  /** Null when caching is disabled: reads in flight are still shared. */
  cache: CachePartition<S> | null;
  read: (request: ReadRequest<P>, call: FlightCall) => Promise<T>;
  /** Returns when an observation becomes stale for this request, in milliseconds since the epoch. */
  freshUntil: (observation: S, request: ReadRequest<P>) => number;
  /** Whether a stale observation may be served while the upstream is down. Default: never. */
  isSettled?: (observation: S, request: ReadRequest<P>) => boolean;
  /** Decides which of the cached and the new observation to accept. */
  merge: (previous: S | undefined, next: SequencedObservation<T>) => S;
  estimateBytes: (value: T) => number;
  /** Called for each recorded observation. */
  onRecorded?: (access: Access, name: string, result: RecordResult<T, S>) => void;
  /** Whether observations have no effect: none is cached, and `onRecorded` does nothing. Default: without a cache. */
  isIdle?: () => boolean;
}

/** A merge rule: accepts the observation with the later request. */
export function newerRequestWins<T>(
  previous: SequencedObservation<T> | undefined,
  next: SequencedObservation<T>,
): SequencedObservation<T> {
  return previous !== undefined && previous.requestedSeq > next.requestedSeq ? previous : next;
}

export function createReadThrough<T, S extends SequencedObservation<T>, P>(
  options: ReadThroughOptions<T, S, P>,
): ReadThrough<T, S, P> {
  const { clock, cache, isSettled, merge, estimateBytes, onRecorded } = options;
  const { isIdle = () => cache === null } = options;
  const invalidations = createGenerations(clock);
  const refreshAhead = createRefreshAhead(clock);
  const reads = new CacheReads(options.kind);
  const singleFlight = createSingleFlight<ReadRequest<P>, T, S>(clock, {
    read: options.read,
    accept: ({ access, name, cause = 'query' }, observed) => record(access, name, observed, cause),
  });

  const freshUntil = (observation: S, request: ReadRequest<P>) =>
    observation.requestedSeq < clock.floor.sequence
      ? Number.NEGATIVE_INFINITY
      : options.freshUntil(observation, request);

  function record(access: Access, name: string, observed: SequencedObservation<T>, cause: Cause): S {
    if (isIdle()) return merge(undefined, observed);
    const key = keyOf(access, name);
    const previous = cache?.get(key);
    const accepted = merge(previous, observed);
    const isInvalidated = observed.requestedSeq < invalidations.get(key).sequence;
    if (cache && accepted !== previous && !isInvalidated) cache.set(key, accepted, estimateBytes(accepted.value));
    onRecorded?.(access, name, { previous, accepted, observed, cause });
    return accepted;
  }

  /** Whether the fresh entry is to be served. Refreshes it in the background when that is due. */
  function canServe(key: string, request: ReadRequest<P>, cached: S, until: number): boolean {
    const use = refreshAhead.useOf(cached, until, request.readContext);
    if (use === 'serveAndRefresh') {
      const background = { ...request, readContext: backgroundContext(request.readContext) };
      runInBackground(singleFlight.run(key, background, request.notBefore));
    }
    return use !== 'read';
  }

  /** Whether an entry is served in place of a read that has failed. It may have been invalidated meanwhile. */
  function mayReplaceFailure(key: string, request: ReadRequest<P>, cached: S, error: unknown): boolean {
    if (request.readContext.isAborted) return false;
    if (isOutage(error) && isSettled?.(cached, request)) return true;
    return cache?.get(key) === cached && clock.now() < freshUntil(cached, request);
  }

  return {
    async get(request) {
      const { readContext } = request;
      const key = keyOf(request.access, request.name);
      const cached = cache?.get(key);
      if (cached !== undefined) {
        const until = freshUntil(cached, request);
        if (clock.now() < until && canServe(key, request, cached, until)) {
          readContext.limitFreshness(until);
          reads.hit();
          return cached.value;
        }
      }
      let observation = cached;
      reads.missed(singleFlight.isInFlight(key, request.notBefore));
      try {
        observation = await singleFlight.run(key, request, request.notBefore);
      } catch (error) {
        if (observation === undefined || !mayReplaceFailure(key, request, observation, error)) throw error;
      }
      readContext.limitFreshness(freshUntil(observation, request)); // Invalidation may have changed it since.
      return observation.value;
    },
    async refresh(request) {
      const key = keyOf(request.access, request.name);
      const observation = await singleFlight.run(key, request, Number.POSITIVE_INFINITY);
      request.readContext.limitFreshness(Number.NEGATIVE_INFINITY);
      return observation;
    },
    peek: (access, name) => cache?.get(keyOf(access, name)),
    record,
    recordPage(access, items, { requestedAt, requestedSeq, receivedAt, receivedSeq }, causeOf) {
      if (isIdle()) return items;
      return items.map((item) => {
        if (item.error) return item;
        const observed = { value: item.value, requestedAt, requestedSeq, receivedAt, receivedSeq };
        const { value } = record(access, item.id, observed, causeOf?.(item.value) ?? 'query');
        return value === item.value ? item : { id: item.id, value: value ?? item.value };
      });
    },
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
export const keyOf = ({ scope }: Scoped, name: string) => `${scope} ${name}`;
