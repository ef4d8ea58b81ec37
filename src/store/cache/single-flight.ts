import type { Clock } from '../../clock.ts';
import type { UpstreamErrorCode } from '../../upstream/errors/upstream-error.ts';
import { ANONYMOUS_QUERY, CallClaims, type Claimant } from '../../upstream/resilience/call-claims.ts';

/** State of one request's reads. */
export interface ReadContext {
  /** Aborted when the request's client has disconnected. */
  readonly signal: AbortSignal;
  /** Called when `signal` is aborted. The signal has one listener for all, as its cost grows with the number of listeners. */
  readonly abortCallbacks: Set<() => void>;
  /** The callers that wait for the reads. */
  readonly claimant: Claimant;
  /** HTTP requests sent upstream for reads that this request started. */
  upstreamCalls: number;
  /** Codes of upstream failures that the response reports as data, not as errors. */
  readonly failures: UpstreamErrorCode[];
  /** Earliest expiry of all values read so far, in milliseconds since the epoch. Limits response caching. */
  freshUntil: number;
}

export function createReadContext(signal: AbortSignal, claimant: Claimant = ANONYMOUS_QUERY): ReadContext {
  const abortCallbacks = new Set<() => void>();
  signal.addEventListener('abort', () => {
    for (const callback of abortCallbacks) callback();
  });
  return { signal, abortCallbacks, claimant, upstreamCalls: 0, failures: [], freshUntil: Number.POSITIVE_INFINITY };
}

/** Returns a context of another claimant that ends with `readContext`. */
export function contextFor(claimant: Claimant, { signal, abortCallbacks }: ReadContext): ReadContext {
  return { signal, abortCallbacks, claimant, upstreamCalls: 0, failures: [], freshUntil: Number.POSITIVE_INFINITY };
}

/** Counts an HTTP request that was started for a request or a subscription. */
export function countCall(readContext: ReadContext): void {
  readContext.upstreamCalls++;
  readContext.claimant.account?.charge();
}

/** Returns a context for work that must finish: never aborted, with the call count and the failures of `readContext`. */
export function detachedContext(readContext: ReadContext): ReadContext {
  return {
    signal: new AbortController().signal,
    abortCallbacks: new Set(),
    claimant: readContext.claimant,
    failures: readContext.failures,
    freshUntil: Number.POSITIVE_INFINITY,
    get upstreamCalls() {
      return readContext.upstreamCalls;
    },
    set upstreamCalls(count) {
      readContext.upstreamCalls = count;
    },
  };
}

/** Records that the response depends on a value that is fresh until `until`. */
export function limitFreshness(readContext: ReadContext, until: number): void {
  readContext.freshUntil = Math.min(readContext.freshUntil, until);
}

/** Options of one shared read. */
export interface FlightOptions {
  readonly signal: AbortSignal;
  /** The callers that wait for the read. */
  readonly claims: CallClaims;
  readonly onRequest: () => void;
}

/** Shares reads in flight: concurrent reads with the same key cost one upstream call. */
export interface SingleFlight<T> {
  /**
   * Joins the read in flight for `key`, or starts one. Does not join a read that started before `notBefore`. A claimant that
   * pays for each call starts none before it has points. Rejects with the error of the read, or with the reason of the
   * context's signal.
   */
  run(
    key: string,
    readContext: ReadContext,
    read: (flightOptions: FlightOptions) => Promise<T>,
    notBefore?: number,
  ): Promise<T>;
  /** Closes the read in flight for `key` to further waiters. Present waiters still get its result. */
  detach(key: string): void;
}

interface Flight<T> {
  readonly result: Promise<T>;
  readonly controller: AbortController;
  readonly claims: CallClaims;
  readonly requestedAt: number;
  waiters: number;
}

export function createSingleFlight<T>(clock: Clock): SingleFlight<T> {
  const flights = new Map<string, Flight<T>>();

  function start(key: string, readContext: ReadContext, read: (flightOptions: FlightOptions) => Promise<T>): Flight<T> {
    const controller = new AbortController();
    const requestedAt = clock.now();
    const claims = new CallClaims(readContext.claimant);
    const result = read({ signal: controller.signal, claims, onRequest: () => countCall(readContext) });
    const flight = { result, controller, claims, requestedAt, waiters: 0 };
    flights.set(key, flight);
    const onSettled = () => remove(key, flight);
    result.then(onSettled, onSettled);
    return flight;
  }

  function findInFlight(key: string, notBefore: number): Flight<T> | undefined {
    const flight = flights.get(key);
    return flight && flight.requestedAt >= notBefore ? flight : undefined;
  }

  // Race: a newer flight may have replaced this one, after its last waiter left or because it was too old to join.
  function remove(key: string, flight: Flight<T>) {
    if (flights.get(key) === flight) flights.delete(key);
  }

  function join(flight: Flight<T>, key: string, readContext: ReadContext): Promise<T> {
    flight.waiters++;
    return new Promise((resolve, reject) => {
      const leave = () => {
        reject(readContext.signal.reason);
        if (--flight.waiters > 0) return;
        remove(key, flight); // Before the abort: no new waiter may join an aborted read.
        flight.controller.abort(readContext.signal.reason);
      };
      const unregisterThen = <A>(settle: (outcome: A) => void) => {
        return (outcome: A) => {
          readContext.abortCallbacks.delete(leave);
          settle(outcome);
        };
      };
      readContext.abortCallbacks.add(leave);
      flight.result.then(unregisterThen(resolve), unregisterThen(reject));
    });
  }

  return {
    detach: (key) => void flights.delete(key),
    run(key, readContext, read, notBefore = Number.NEGATIVE_INFINITY) {
      const { signal, claimant } = readContext;
      const joinOrStart = () => {
        if (signal.aborted) return Promise.reject(signal.reason);
        const inFlight = findInFlight(key, notBefore);
        inFlight?.claims.add(claimant);
        return join(inFlight ?? start(key, readContext, read), key, readContext);
      };
      // Before the flight exists: other callers must not wait for these points.
      if (claimant.account && !findInFlight(key, notBefore))
        return claimant.account.waitForPoints(signal).then(joinOrStart);
      return joinOrStart();
    },
  };
}
