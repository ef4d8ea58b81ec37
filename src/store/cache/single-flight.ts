import { Flight, type FlightCall, type Waiter } from './flight.ts';
import type { SequencedObservation } from './freshness.ts';
import type { ReadContext } from './read-context.ts';
import type { Access } from './scope.ts';
import type { SequenceClock } from './sequence-clock.ts';
import { ShortLivedMap } from './short-lived-map.ts';

/** The parts of a read that sharing needs. */
export interface FlightRequest {
  readonly access: Access;
  readonly readContext: ReadContext;
}

/** How values of one kind are read, and what becomes of them. */
export interface FlightReader<R, V, T> {
  /** Reads upstream. */
  read(request: R, call: FlightCall): Promise<V>;
  /** Records the observation. Returns the result of all waiters; they fail with what it throws. */
  accept(request: R, observed: SequencedObservation<V>): T;
}

/** Shares reads in flight: concurrent reads with the same key cost one upstream call. */
export interface SingleFlight<R, T> {
  /**
   * Joins the read in flight for `key`, or starts one. Does not join a read that started before `notBefore`. A claimant that
   * pays for each call starts none before it has points. Rejects with the error of the read, with the reason of the
   * context's cancellation, or as the payment of the context does.
   */
  run(key: string, request: R, notBefore?: number): Promise<T>;
  /** Whether `run` would join a read in flight. */
  isInFlight(key: string, notBefore?: number): boolean;
  /** Closes the read in flight for `key` to further waiters. Present waiters still get its result. */
  detach(key: string): void;
}

export function createSingleFlight<R extends FlightRequest, V, T>(
  clock: SequenceClock,
  { read, accept }: FlightReader<R, V, T>,
): SingleFlight<R, T> {
  const flights = new ShortLivedMap<Flight<T>>();

  function findInFlight(key: string, notBefore: number): Flight<T> | undefined {
    const flight = flights.get(key);
    const isStale =
      flight === undefined || flight.requestedAt < notBefore || flight.requestedSeq < clock.floor.sequence;
    return isStale ? undefined : flight;
  }

  // Race: a newer flight may have replaced this one, after its last waiter left or because it was too old to join.
  function remove(key: string, flight: Flight<T>) {
    if (flights.get(key) === flight) flights.delete(key);
  }

  /** Reads upstream, and settles all waiters. Never rejects. */
  async function fly(key: string, flight: Flight<T>, request: R): Promise<void> {
    try {
      const value = await read(request, flight);
      const { requestedAt, requestedSeq } = flight;
      const times = { requestedAt, requestedSeq, receivedAt: clock.now(), receivedSeq: clock.nextSequence() };
      const result = accept(request, { value, ...times });
      remove(key, flight);
      flight.resolve(result);
    } catch (error) {
      remove(key, flight);
      flight.reject(error);
    }
  }

  /** The promise of one waiter: it ends with its own context, while the flight goes on for the others. */
  function join(flight: Flight<T>, key: string, { cancellation }: ReadContext): Promise<T> {
    return new Promise((resolve, reject) => {
      const leave = (reason: unknown) => {
        reject(reason);
        flight.waiters.delete(waiter);
        if (flight.waiters.size > 0) return;
        remove(key, flight); // Before the abort: no new waiter may join an aborted read.
        flight.abort(reason);
      };
      const waiter: Waiter<T> = { cancellation, resolve, reject, leave };
      flight.waiters.add(waiter);
      cancellation.addCallback(leave);
    });
  }

  function joinOrStart(key: string, request: R, notBefore: number): Promise<T> {
    const { access, readContext } = request;
    if (readContext.isAborted) return Promise.reject(readContext.cancellation.reason);
    const inFlight = findInFlight(key, notBefore);
    if (inFlight) {
      inFlight.claims.add(readContext.claimant);
      return join(inFlight, key, readContext);
    }
    const flight = new Flight<T>(access.credential, readContext, clock.now(), clock.nextSequence());
    flights.set(key, flight);
    const result = join(flight, key, readContext);
    void fly(key, flight, request); // After the join: the read may fail at once.
    return result;
  }

  return {
    isInFlight: (key, notBefore = Number.NEGATIVE_INFINITY) => findInFlight(key, notBefore) !== undefined,
    detach: (key) => void flights.delete(key),
    run(key, request, notBefore = Number.NEGATIVE_INFINITY) {
      const { isAborted, claimant, payment, cancellation } = request.readContext;
      // Before the flight exists: other callers must not wait for these points.
      if (isAborted || findInFlight(key, notBefore)) return joinOrStart(key, request, notBefore);
      const paid = claimant.account ? claimant.account.waitForPoints(cancellation.signal) : payment?.payForRead();
      if (paid === undefined) return joinOrStart(key, request, notBefore);
      return paid.then(() => joinOrStart(key, request, notBefore));
    },
  };
}
