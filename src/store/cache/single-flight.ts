import type { Clock } from '../../clock.ts';
import type { UpstreamErrorCode } from '../../upstream/errors/upstream-error.ts';

/** Who asks: one per request. */
export interface Caller {
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

export function createCaller(signal: AbortSignal): Caller {
  const onLeave = new Set<() => void>();
  signal.addEventListener('abort', () => {
    for (const leave of onLeave) leave();
  });
  return { signal, onLeave, upstreamCalls: 0, failures: [], freshUntil: Number.POSITIVE_INFINITY };
}

/** The same caller, but waiting to the end: half of what is done for it would be worse than all. */
export function staying(caller: Caller): Caller {
  return {
    signal: new AbortController().signal,
    onLeave: new Set(),
    failures: caller.failures,
    freshUntil: Number.POSITIVE_INFINITY,
    get upstreamCalls() {
      return caller.upstreamCalls;
    },
    set upstreamCalls(count) {
      caller.upstreamCalls = count;
    },
  };
}

/** Takes note that the answer rests on something that is fresh until then. */
export function restOn(caller: Caller, until: number): void {
  caller.freshUntil = Math.min(caller.freshUntil, until);
}

/** How a read that may be shared is begun. */
export interface Departure {
  readonly signal: AbortSignal;
  readonly onRequest: () => void;
}

/** Reads under way: equal questions asked at the same time cost one. */
export interface Flights<T> {
  /**
   * Joins the read of `key`, or begins it; one that began before `notBefore` is not joined. Rejects as the read does, or
   * with the reason of the caller's signal.
   */
  join(key: string, caller: Caller, read: (departure: Departure) => Promise<T>, notBefore?: number): Promise<T>;
  /** Nobody joins the read of `key` any more that is under way; who has joined it already gets what it brings. */
  part(key: string): void;
}

interface Flight<T> {
  readonly landing: Promise<T>;
  readonly controller: AbortController;
  readonly beganAt: number;
  callers: number;
}

export function createFlights<T>(clock: Clock): Flights<T> {
  const flights = new Map<string, Flight<T>>();

  function begin(key: string, caller: Caller, read: (departure: Departure) => Promise<T>): Flight<T> {
    const controller = new AbortController();
    const beganAt = clock.now();
    const landing = read({ signal: controller.signal, onRequest: () => caller.upstreamCalls++ });
    const flight = { landing, controller, beganAt, callers: 0 };
    flights.set(key, flight);
    const end = () => forget(key, flight);
    landing.then(end, end);
    return flight;
  }

  function underWay(key: string, notBefore: number): Flight<T> | undefined {
    const flight = flights.get(key);
    return flight && flight.beganAt >= notBefore ? flight : undefined;
  }

  // A flight may land after a newer one with its key took off: its last caller had left it, or it was too old for one.
  function forget(key: string, flight: Flight<T>) {
    if (flights.get(key) === flight) flights.delete(key);
  }

  return {
    part: (key) => void flights.delete(key),
    join(key, caller, read, notBefore = Number.NEGATIVE_INFINITY) {
      if (caller.signal.aborted) return Promise.reject(caller.signal.reason);
      const flight = underWay(key, notBefore) ?? begin(key, caller, read);
      flight.callers++;
      return new Promise((resolve, reject) => {
        const leave = () => {
          reject(caller.signal.reason);
          if (--flight.callers > 0) return;
          forget(key, flight); // First, so that nobody joins a read that is about to be aborted.
          flight.controller.abort(caller.signal.reason);
        };
        const landed = <A>(settle: (outcome: A) => void) => {
          return (outcome: A) => {
            caller.onLeave.delete(leave);
            settle(outcome);
          };
        };
        caller.onLeave.add(leave);
        flight.landing.then(landed(resolve), landed(reject));
      });
    },
  };
}
