import type { UpstreamErrorFacts } from '../upstream/errors/upstream-error.ts';

/** The audit record of a mutation before it is sent. */
export interface MutationAttempt {
  readonly mutation: string;
  /** Name of the GraphQL operation. */
  readonly operation: string | undefined;
  readonly viewer: string | null;
  /** Identifies the caller: the name of a token, or issuer and subject of a JWT, whose name the caller may have chosen. */
  readonly callerId: string | null;
  readonly role: string;
  /** Address of the client; of IPv6, its network of 64 bits. */
  readonly address: string | undefined;
  readonly requestId: string;
  /** Of the client's `traceparent`, or of the gateway's own trace; undefined without one. */
  readonly traceId: string | undefined;
  /** Id of the entity that was created, changed or deleted, or is to be. */
  readonly id: string | undefined;
  /** Ids in the input by the names of their fields, and `idempotencyKeySha256`. */
  readonly input: Readonly<Record<string, unknown>>;
}

/** The audit record of a mutation after it. */
export interface MutationOutcome extends MutationAttempt, UpstreamErrorFacts {
  /** Success, or the failure type. */
  readonly outcome: string;
  /** The upstream or network error, for the log only. */
  readonly detail?: string | undefined;
}

/** Where audit records are written. */
export interface AuditTrail {
  /** Throws when the record cannot be written: the mutation must not run. */
  begin(attempt: MutationAttempt): void;
  /** Never throws, because the mutation has run: a record that cannot be written goes to the log, with the reason. */
  end(outcome: MutationOutcome): void;
}
