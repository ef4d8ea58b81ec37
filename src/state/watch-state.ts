import type { Topic } from './topic.ts';

/**
 * The state of the watched jobs of a scope that replicas share: one order of accepted observations, who polls, and which jobs have
 * subscribers. A revision names an accepted observation of a job; later ones have greater revisions.
 */

/** A job as the upstream sent it. Two observations show no change when `raw` is equal. */
export interface SharedValue {
  readonly raw: unknown;
  readonly status: string;
}

/** An observation of a job that may be the next accepted one. */
export interface Offer<O> {
  readonly jobId: string;
  /** The last accepted revision known when its request was sent; null for none. */
  readonly expected: number | null;
  /** Null when there is no such job. */
  readonly value: SharedValue | null;
  readonly isTerminal: boolean;
  readonly cause: string;
  /** When the response was received, in milliseconds since the epoch. */
  readonly observedAt: number;
  /** Comes back with the accepted observation, on this replica only. */
  readonly origin: O;
}

/** An accepted observation of a job. */
export interface Accepted<O> {
  readonly jobId: string;
  readonly revision: number;
  /** The body of the job; null when there is no such job. */
  readonly raw: unknown;
  readonly cause: string;
  readonly observedAt: number;
  /** Undefined for the offer of another replica. */
  readonly origin: O | undefined;
}

/**
 * The result of an offer.
 *
 * - accepted: all followers get it, this replica too.
 * - unchanged: it is equal to the accepted observation of this revision.
 * - refused: it may be older than `current`, or would lead out of a terminal status.
 * - reset: the shared state has lost data since its request was sent.
 */
export type OfferResult<O> =
  | { readonly kind: 'accepted' | 'unchanged'; readonly revision: number }
  | { readonly kind: 'refused'; readonly current: Accepted<O> }
  | { readonly kind: 'reset' };

/**
 * - polls: this replica polls the jobs of the scope for all.
 * - follows: another one does.
 * - alone: replicas do not know of each other. One process always is.
 */
export type Role = 'polls' | 'follows' | 'alone';

/** A job of a scope with the revision that a replica knows; null for none. */
export interface KnownJob {
  readonly jobId: string;
  readonly revision: number | null;
}

/** Receives what happens in a scope, in the order that all replicas have in common. */
export interface ScopeListener<O> {
  onAccepted(accepted: Accepted<O>): void;
  /** The role has changed. */
  onRole(role: Role): void;
  /** The topics of the subscribers of other replicas, for the replica that polls. */
  onInterest(topics: ReadonlySet<Topic>): void;
  /** This replica has the polls, and another one asks for one. */
  onPollRequested(jobId: string, cause: 'webhook' | 'poll'): void;
  /** Another replica has read the event log of a job. */
  onEvents(events: SharedEvents): void;
  /** The polls of a topic have failed permanently on the replica that polls. */
  onFailed(topic: Topic): void;
  /** From now on, this replica gets the events that others read. */
  onFollowing(): void;
  /** Accepted observations may have been missed. */
  onGap(): void;
  /** The shared state may have lost data. Observations whose request was sent before are not to be offered. */
  onReset(): void;
}

/** A part of the event log of a job, from its newest event on. */
export interface SharedEvents {
  readonly jobId: string;
  /** As JSON text; null when it is too long: each replica reads the log itself. */
  readonly page: string | null;
  /** Whether no events will follow. */
  readonly isClosed: boolean;
}

/** One scope, as one replica takes part in it. */
export interface ScopeState<O> {
  readonly role: Role;
  /** Factor of poll intervals: the last known number of replicas while they do not know of each other. */
  readonly intervalFactor: number;
  /** Offers an observation. Rejects with FleetUnavailable. In memory the result is no promise, and followers get it meanwhile. */
  offer(offer: Offer<O>): OfferResult<O> | Promise<OfferResult<O>>;
  /** Writes an accepted observation again that the shared state has lost, unless it has a later one. Rejects as `offer`. */
  restore(jobId: string, revision: number, value: SharedValue, isTerminal: boolean): Promise<void>;
  /** Sets whether subscribers of this replica follow the topic. */
  setInterest(topic: Topic, isFollowed: boolean): void;
  /** Resolves to the accepted observations that differ from the known revisions. Rejects with FleetUnavailable. */
  compare(jobs: readonly KnownJob[]): Promise<readonly Accepted<O>[]>;
  /** Asks the replica that polls for a poll. */
  requestPoll(jobId: string, cause: 'webhook' | 'poll'): void;
  /** Sends events to the other replicas. Rejects with FleetUnavailable. */
  publishEvents(events: SharedEvents): Promise<void>;
  /** Tells other replicas that the polls of a topic fail permanently. */
  reportFailure(topic: Topic): void;
  /** Forgets a job that is not watched here any more. */
  forget(jobId: string): void;
  leave(): void;
}

/** The watched jobs of all scopes. */
export interface WatchState {
  /** Whether there can be other replicas. */
  readonly isShared: boolean;
  join<O>(scope: string, listener: ScopeListener<O>): ScopeState<O>;
  /** Calls the listener with hints of other replicas. Returns the function that stops it. */
  onHint(listener: (jobId: string, scope: string | null) => void): () => void;
  /** Tells other replicas that a job may have changed: in one scope, or in all (null). */
  hint(jobId: string, scope: string | null): void;
}
