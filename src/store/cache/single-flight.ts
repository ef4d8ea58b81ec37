import type { Clock } from '../../clock.ts';
import type { UpstreamErrorCode } from '../../upstream/errors/upstream-error.ts';

/** Who asks: one per request. */
export interface ReadContext {
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
  /** What is called then. One listener for all: a signal takes time for each that grows with their number. */
  readonly onLeave: Set<() => void>;
  /** HTTP requests sent to the upstream because this caller was the first to ask. */
  upstreamCalls: number;
  /** How the upstream has failed where the answer tells it as data, and no error does. */
  readonly failures: UpstreamErrorCode[];
  /** Until when all that was read for this caller answers the same question again, in milliseconds since the epoch. */
  freshUntil: number;
}

export function createReadContext(signal: AbortSignal): ReadContext {
  const onLeave = new Set<() => void>();
  signal.addEventListener('abort', () => {
    for (const leave of onLeave) leave();
  });
  return { signal, onLeave, upstreamCalls: 0, failures: [], freshUntil: Number.POSITIVE_INFINITY };
}

/** The same caller, but waiting to the end: half of what is done for it would be worse than all. */
export function detachedContext(readContext: ReadContext): ReadContext {
  return {
    signal: new AbortController().signal,
    onLeave: new Set(),
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

/** Takes note that the answer rests on something that is fresh until then. */
export function limitFreshness(readContext: ReadContext, until: number): void {
  readContext.freshUntil = Math.min(readContext.freshUntil, until);
}

/** How a read that may be shared is begun. */
export interface FlightSignal {
  readonly signal: AbortSignal;
  readonly onRequest: () => void;
}

/** Reads under way: equal questions asked at the same time cost one. */
export interface SingleFlight<T> {
  /**
   * Joins the read of `key`, or begins it; one that began before `notBefore` is not joined. Rejects as the read does, or
   * with the reason of the caller's signal.
   */
  run(
    key: string,
    readContext: ReadContext,
    read: (departure: FlightSignal) => Promise<T>,
    notBefore?: number,
  ): Promise<T>;
  /** Nobody joins the read of `key` any more that is under way; who has joined it already gets what it brings. */
  detach(key: string): void;
}

interface Flight<T> {
  readonly landing: Promise<T>;
  readonly controller: AbortController;
  readonly requestedAt: number;
  waiters: number;
}

export function createSingleFlight<T>(clock: Clock): SingleFlight<T> {
  const flights = new Map<string, Flight<T>>();

  function begin(key: string, readContext: ReadContext, read: (departure: FlightSignal) => Promise<T>): Flight<T> {
    const controller = new AbortController();
    const requestedAt = clock.now();
    const landing = read({ signal: controller.signal, onRequest: () => readContext.upstreamCalls++ });
    const flight = { landing, controller, requestedAt, waiters: 0 };
    flights.set(key, flight);
    const end = () => forget(key, flight);
    landing.then(end, end);
    return flight;
  }

  function underWay(key: string, notBefore: number): Flight<T> | undefined {
    const flight = flights.get(key);
    return flight && flight.requestedAt >= notBefore ? flight : undefined;
  }

  // A flight may land after a newer one with its key took off: its last caller had left it, or it was too old for one.
  function forget(key: string, flight: Flight<T>) {
    if (flights.get(key) === flight) flights.delete(key);
  }

  return {
    detach: (key) => void flights.delete(key),
    run(key, readContext, read, notBefore = Number.NEGATIVE_INFINITY) {
      if (readContext.signal.aborted) return Promise.reject(readContext.signal.reason);
      const flight = underWay(key, notBefore) ?? begin(key, readContext, read);
      flight.waiters++;
      return new Promise((resolve, reject) => {
        const leave = () => {
          reject(readContext.signal.reason);
          if (--flight.waiters > 0) return;
          forget(key, flight); // First, so that nobody joins a read that is about to be aborted.
          flight.controller.abort(readContext.signal.reason);
        };
        const landed = <A>(settle: (outcome: A) => void) => {
          return (outcome: A) => {
            readContext.onLeave.delete(leave);
            settle(outcome);
          };
        };
        readContext.onLeave.add(leave);
        flight.landing.then(landed(resolve), landed(reject));
      });
    },
  };
}
