import type { Credential } from '../../upstream/credentials/credential.ts';
import { CallClaims } from '../../upstream/resilience/call-claims.ts';
import { type AbortCallback, Cancellation } from './cancellation.ts';
import type { ReadContext } from './read-context.ts';

/** A caller that waits for the result of a flight. */
export interface Waiter<T> {
  readonly cancellation: Cancellation;
  readonly resolve: (result: T) => void;
  readonly reject: (error: unknown) => void;
  /** Ends the wait when the caller is aborted. */
  readonly leave: AbortCallback;
}

/** A read in flight. It is itself the `Call` of its upstream requests, and is aborted when its last waiter has left. */
export class Flight<T> extends Cancellation {
  readonly credential: Credential;
  /** The callers that wait for the read. */
  readonly claims: CallClaims;
  readonly requestedAt: number;
  readonly requestedSeq: number;
  readonly waiters = new Set<Waiter<T>>();
  readonly #starter: ReadContext;
  #isStartPaid = true;

  constructor(credential: Credential, starter: ReadContext, requestedAt: number, requestedSeq: number) {
    super();
    this.credential = credential;
    this.claims = new CallClaims(starter.claimant);
    this.requestedAt = requestedAt;
    this.requestedSeq = requestedSeq;
    this.#starter = starter;
  }

  /** Counts an HTTP request for the context that started the flight. Its payment has paid for the first one. */
  onRequest(): void {
    if (this.#isStartPaid) this.#starter.countPaidCall();
    else this.#starter.countCall();
    this.#isStartPaid = false;
  }

  resolve(result: T): void {
    for (const waiter of this.waiters) {
      waiter.cancellation.removeCallback(waiter.leave);
      waiter.resolve(result);
    }
  }

  reject(error: unknown): void {
    for (const waiter of this.waiters) {
      waiter.cancellation.removeCallback(waiter.leave);
      waiter.reject(error);
    }
  }
}

/** A flight, as the functions that call upstream see it. */
export type FlightCall = Pick<
  Flight<unknown>,
  'credential' | 'claims' | 'signal' | 'onAbort' | 'isAborted' | 'onRequest' | 'requestedAt' | 'requestedSeq'
>;
