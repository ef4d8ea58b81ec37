import type { UpstreamErrorCode } from '../../upstream/errors/upstream-error.ts';
import { ANONYMOUS_QUERY, type Claimant } from '../../upstream/resilience/call-claims.ts';
import { Cancellation } from './cancellation.ts';

/** Pays for the upstream calls of one operation. The price of the operation pays for the first ones. */
export interface CallPayment {
  /**
   * Pays for a read that starts now. Returns undefined when it is paid already. Rejects with a GraphQLError when the caller
   * has too few points: the read must not start.
   */
  payForRead(): Promise<void> | undefined;
  /** Charges a call that cannot be refused any more, such as a further call of a read. */
  chargeCall(): void;
}

/** State of one request's reads. */
export class ReadContext {
  /** The callers that wait for the reads. */
  readonly claimant: Claimant;
  /** Aborted when the request's client has disconnected. */
  readonly cancellation: Cancellation;
  /** HTTP requests sent upstream for reads that this request started. */
  upstreamCalls = 0;
  /** Pays for the calls of a query or a mutation; undefined until its price is known, and for other reads. */
  payment: CallPayment | undefined = undefined;
  /** The upstream's id of the last request that changed something; undefined when it sent none. */
  upstreamRequestId: string | undefined = undefined;
  /** Codes of upstream failures that the response reports as data, not as errors. */
  readonly failures: UpstreamErrorCode[];
  /** Earliest expiry of all values read so far, in milliseconds since the epoch. Limits response caching. */
  freshUntil = Number.POSITIVE_INFINITY;
  /** Whether entries near their end count as stale: set for the one reader that refreshes a cached response. */
  refreshAhead = false;
  /** The context whose calls are counted. */
  readonly #counted: ReadContext;

  constructor(claimant: Claimant = ANONYMOUS_QUERY, cancellation = new Cancellation(), counted?: ReadContext) {
    this.claimant = claimant;
    this.cancellation = cancellation;
    this.#counted = counted ?? this;
    this.failures = counted?.failures ?? [];
    this.payment = counted?.payment;
  }

  get isAborted(): boolean {
    return this.cancellation.isAborted;
  }

  /** The cancellation as a signal, created on first use. `cancellation.onAbort` costs less. */
  get signal(): AbortSignal {
    return this.cancellation.signal;
  }

  /** Counts an HTTP request that was started for a request or a subscription, and charges it. */
  countCall(): void {
    this.countPaidCall();
    this.payment?.chargeCall();
  }

  /** Counts an HTTP request that the payment of the context has paid for. */
  countPaidCall(): void {
    this.#counted.upstreamCalls++;
    this.claimant.account?.charge();
  }

  /** Records that the response depends on a value that is fresh until `until`. */
  limitFreshness(until: number): void {
    if (until < this.freshUntil) this.freshUntil = until;
  }
}

/** Returns the context of a claimant whose reads end with the signal. */
export function createReadContext(signal: AbortSignal, claimant?: Claimant): ReadContext {
  return new ReadContext(claimant, Cancellation.of(signal));
}

/** Returns a context of another claimant that ends with `readContext`. */
export function contextFor(claimant: Claimant, { cancellation }: ReadContext): ReadContext {
  return new ReadContext(claimant, cancellation);
}

/** Returns a context for work that must finish: never aborted, with the call count and the failures of `readContext`. */
export function detachedContext(readContext: ReadContext): ReadContext {
  return new ReadContext(readContext.claimant, new Cancellation(), readContext);
}
