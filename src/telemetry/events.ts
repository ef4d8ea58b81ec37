import { eventChannel } from './event-channel.ts';

// The events of the gateway. Logs, metrics and traces subscribe; the parts that publish know none of them. No event has
// a key, a token or the content of a file.

/** The end of an HTTP request. Streams, which can be open for hours, are not among them. */
export interface RequestEnded {
  readonly method: string | undefined;
  /** The path as a template, or `other` for an unknown one. */
  readonly route: string;
  /** Null when the client has left before the headers were sent. */
  readonly status: number | null;
  readonly seconds: number;
}

export type OperationType = 'query' | 'mutation' | 'subscription' | 'unknown';

/** The end of a GraphQL operation, over any transport. `unknown`: it was rejected before its type was known. */
export interface OperationEnded {
  readonly type: OperationType;
  readonly name: string | undefined;
  /** Whether the document is one of TRUSTED_DOCUMENTS. */
  readonly isTrusted: boolean;
  /** `extensions.code` of the first error; undefined without one. */
  readonly errorCode: string | undefined;
}

/** A read of a cache: a hit, a miss, or a read in flight that was joined. */
export interface CacheRead {
  readonly kind: string;
  readonly outcome: 'hit' | 'miss' | 'join';
}

export type CallCause = 'query' | 'mutation' | 'poll' | 'webhook' | 'event';

/** The end of one HTTP request to the upstream; retries are requests of their own. */
export interface CallEnded {
  readonly method: string;
  /** The path below the base URL, with `{id}` in place of each id. */
  readonly route: string;
  readonly cause: CallCause;
  /** Null when there was no response. */
  readonly status: number | null;
  readonly errorCode: string | undefined;
  readonly seconds: number;
}

/** A retry that is about to be waited for. */
export interface CallRetried {
  readonly route: string;
  readonly errorCode: string;
  readonly waitMs: number;
  readonly upstreamStatus: number | undefined;
  readonly upstreamRequestId: string | undefined;
}

/** A call has waited for the rate limit or a connection, or was refused because the wait would be too long. */
export interface CallQueued {
  readonly outcome: 'admitted' | 'refused';
  readonly seconds: number;
}

export type BreakerState = 'closed' | 'open' | 'half_open';

/** The circuit breaker of one credential has changed its state. */
export interface BreakerChanged {
  readonly from: BreakerState;
  readonly to: BreakerState;
  /** Milliseconds until the next probe, of a breaker that has opened. */
  readonly openMs: number | undefined;
  readonly upstreamRequestId: string | undefined;
}

/** The upstream has refused a credential (HTTP 401). */
export interface CredentialRefused {
  readonly route: string;
  readonly upstreamRequestId: string | undefined;
}

export type PollKind = 'jobs' | 'events' | 'progress';

/** A poll has started. */
export interface PollStarted {
  readonly kind: PollKind;
  /** Time from the moment when the poll was due to its start. */
  readonly lagSeconds: number;
}

/**
 * A poll has failed. `retried`: another one follows later. `dropped`: it has failed for good, and the subscriptions that
 * needed it have ended.
 */
export interface PollFailed {
  readonly kind: PollKind;
  readonly outcome: 'retried' | 'dropped';
  readonly errorCode: string;
  readonly upstreamRequestId: string | undefined;
}

export type StreamTransport = 'sse' | 'multipart' | 'websocket';
export type StreamEnd = 'completed' | 'client' | 'drain' | 'replaced' | 'revoked' | 'rejected';

export interface StreamStarted {
  readonly transport: StreamTransport;
}

export interface StreamEnded extends StreamStarted {
  readonly reason: StreamEnd;
}

/** A result of a subscription was sent to one client. */
export interface ResultDelivered {
  readonly transport: StreamTransport;
  /** When the change was observed, in milliseconds since the epoch; undefined for a snapshot. */
  readonly observedAt: number | undefined;
}

/** A subscriber was slow: a newer state has replaced one that it has not read. */
export interface StateConflated {
  readonly kind: 'state';
}

export interface MutationEnded {
  readonly mutation: string;
  /** `Success`, the name of a failure's type, or a code. */
  readonly outcome: string;
}

/** A create with an idempotency key has returned the job of an earlier one. */
export interface CreateReplayed {
  readonly kind: 'create';
}

export interface WebhookReceived {
  readonly outcome: 'accepted' | 'repeated' | 'rejected';
}

/** The end of the upload of a file. */
export interface UploadEnded {
  readonly outcome: 'stored' | 'invalid' | 'failed';
  readonly bytes: number;
  /** Errors and warnings of the validation. */
  readonly errors: number;
  readonly warnings: number;
}

export type RefusedLimit = 'points' | 'subscriptions' | 'uploads' | 'downloads' | 'connections';

/** A limit for callers has refused something. */
export interface LimitReached {
  readonly limit: RefusedLimit;
}

export const requestEnded = eventChannel<RequestEnded>('finetune.request.ended');
export const operationEnded = eventChannel<OperationEnded>('finetune.operation.ended');
export const cacheRead = eventChannel<CacheRead>('finetune.cache.read');
export const callEnded = eventChannel<CallEnded>('finetune.call.ended');
export const callRetried = eventChannel<CallRetried>('finetune.call.retried');
export const callQueued = eventChannel<CallQueued>('finetune.call.queued');
export const breakerChanged = eventChannel<BreakerChanged>('finetune.breaker.changed');
export const credentialRefused = eventChannel<CredentialRefused>('finetune.credential.refused');
export const pollStarted = eventChannel<PollStarted>('finetune.poll.started');
export const pollFailed = eventChannel<PollFailed>('finetune.poll.failed');
export const streamStarted = eventChannel<StreamStarted>('finetune.stream.started');
export const streamEnded = eventChannel<StreamEnded>('finetune.stream.ended');
export const resultDelivered = eventChannel<ResultDelivered>('finetune.result.delivered');
export const stateConflated = eventChannel<StateConflated>('finetune.state.conflated');
export const mutationEnded = eventChannel<MutationEnded>('finetune.mutation.ended');
export const createReplayed = eventChannel<CreateReplayed>('finetune.create.replayed');
export const webhookReceived = eventChannel<WebhookReceived>('finetune.webhook.received');
export const uploadEnded = eventChannel<UploadEnded>('finetune.upload.ended');
export const limitReached = eventChannel<LimitReached>('finetune.limit.reached');
