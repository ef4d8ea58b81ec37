import type { Clock } from '../../clock.ts';
import type { UpstreamErrorCode } from '../../upstream/errors/upstream-error.ts';

/** Pays for the upstream calls of one operation. The price of the operation pays for the first ones. */
export interface CallPayment {
  /**
   * Pays for a read that starts now. Returns undefined when it is paid already. Rejects with a GraphQLError when the caller
   * has too few points: the read must not start.
   */
  payForRead(): Promise<void> | undefined;
  /** Charges a call that cannot be refused any more: a further call of a read, or a read that others share. */
  chargeCall(): void;
}

/** State of one request's reads. */
export interface ReadContext {
  /** Aborted when the request's client has disconnected. */
  readonly signal: AbortSignal;
  /** Called when `signal` is aborted. The signal has one listener for all, as its cost grows with the number of listeners. */
  readonly abortCallbacks: Set<() => void>;
  /** HTTP requests sent upstream for reads that this request started. */
  upstreamCalls: number;
  /** Undefined for reads that no caller pays for, such as polls. */
  payment: CallPayment | undefined;
  /** Codes of upstream failures that the response reports as data, not as errors. */
  readonly failures: UpstreamErrorCode[];
  /** Earliest expiry of all values read so far, in milliseconds since the epoch. Limits response caching. */
  freshUntil: number;
}

export function createReadContext(signal: AbortSignal, payment?: CallPayment): ReadContext {
  const abortCallbacks = new Set<() => void>();
  signal.addEventListener('abort', () => {
    for (const callback of abortCallbacks) callback();
  });
  return { signal, abortCallbacks, upstreamCalls: 0, payment, failures: [], freshUntil: Number.POSITIVE_INFINITY };
}

/** Records and charges an HTTP request that is not a read with single flight. */
export function countCall(readContext: ReadContext): void {
  readContext.upstreamCalls++;
  readContext.payment?.chargeCall();
}

/** Returns a context for work that must finish: never aborted, with the call count and the failures of `readContext`. */
export function detachedContext(readContext: ReadContext): ReadContext {
  return {
    signal: new AbortController().signal,
    abortCallbacks: new Set(),
    payment: readContext.payment,
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
  readonly onRequest: () => void;
}

/** Shares reads in flight: concurrent reads with the same key cost one upstream call. */
export interface SingleFlight<T> {
  /**
   * Joins the read in flight for `key`, or starts one. Does not join a read that started before `notBefore`. Rejects with
   * the error of the read, with the reason of the context's signal, or as the context's payment does.
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
  readonly requestedAt: number;
  waiters: number;
}

export function createSingleFlight<T>(clock: Clock): SingleFlight<T> {
  const flights = new Map<string, Flight<T>>();

  function start(key: string, readContext: ReadContext, read: (flightOptions: FlightOptions) => Promise<T>): Flight<T> {
    const controller = new AbortController();
    const requestedAt = clock.now();
    let calls = 0;
    const onRequest = () => {
      readContext.upstreamCalls++;
      if (++calls > 1) readContext.payment?.chargeCall();
    };
    const result = read({ signal: controller.signal, onRequest });
    const flight = { result, controller, requestedAt, waiters: 0 };
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

  function join(key: string, flight: Flight<T>, readContext: ReadContext): Promise<T> {
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
      const { signal, payment } = readContext;
      if (signal.aborted) return Promise.reject(signal.reason);
      const flight = findInFlight(key, notBefore);
      const paid = flight ? undefined : payment?.payForRead();
      if (paid === undefined) return join(key, flight ?? start(key, readContext, read), readContext);
      return paid.then(() => {
        signal.throwIfAborted();
        return join(key, findInFlight(key, notBefore) ?? start(key, readContext, read), readContext);
      });
    },
  };
}
