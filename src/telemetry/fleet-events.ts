import { eventChannel } from './event-channel.ts';

// The events of a fleet. Without one, nothing publishes them.

/** Redis answers again, or does not answer any more. */
export interface FleetChanged {
  readonly isAvailable: boolean;
  /** Replicas at the last heartbeat, this one included. */
  readonly replicas: number;
}

/** Redis can have lost data: it was flushed or restarted, or another server has taken over. */
export interface FleetReset {
  readonly replicas: number;
}

/** After a loss of data, capped operations are refused because these replicas have not written their counts. */
export interface FleetCountsAwaited {
  readonly replicas: number;
}

/** The polls of a scope: this replica has them now, or has lost them. `takeover`: another replica had not given them back. */
export interface FleetLease {
  readonly change: 'taken' | 'lost' | 'takeover';
}

/** An observation of a job may have been older than the accepted one. */
export interface FleetOffer {
  readonly outcome: 'refused';
}

/**
 * Entries of a log may have been missed. `watch`: accepted observations of a scope, whose jobs are compared with those in
 * Redis. `invalidations`: changes by other replicas, and everything is read anew.
 */
export interface FleetGap {
  readonly kind: 'watch' | 'invalidations';
}

/** Redis has replied with what this replica cannot read, or its script has failed. Reading goes on. */
export interface FleetUnreadable {
  /** The log or part of the state, such as `invalidations`. */
  readonly kind: string;
  readonly problem: string;
}

/** A script of Redis has ended. `timeout`: without a reply in time. `failed`: with an error, or its connection was closed. */
export interface FleetCommand {
  readonly script: string;
  readonly outcome: 'ok' | 'timeout' | 'failed';
  readonly seconds: number;
}

/** A connection to Redis is open again. */
export interface FleetReconnected {
  readonly connection: 'commands' | 'logs';
}

/** The ledger was asked for the keys of a create. `refused`: Redis is away. */
export interface FleetReservation {
  readonly outcome: 'reserved' | 'pending' | 'made' | 'unknown' | 'refused';
}

/** Redis has granted upstream calls to this replica. */
export interface FleetGrant {
  readonly calls: number;
}

/** A 429 of the upstream blocks the calls of a credential on all replicas. */
export interface FleetBlock {
  readonly calls: 'all' | 'changes';
}

/** Changes were told to the other replicas. */
export interface FleetInvalidationsSent {
  readonly changes: number;
}

/** A change by another replica has arrived. */
export interface FleetInvalidationReceived {
  /** Time since Redis got it. The clocks of Redis and of this machine differ. */
  readonly seconds: number;
}

/** An accepted observation of another replica has arrived. */
export interface FleetFollowed {
  /** Time from the response of the upstream to the other replica. Clocks of different machines differ. */
  readonly seconds: number;
}

export const fleetChanged = eventChannel<FleetChanged>('finetune.fleet.changed');
export const fleetReset = eventChannel<FleetReset>('finetune.fleet.reset');
export const fleetCountsAwaited = eventChannel<FleetCountsAwaited>('finetune.fleet.counts_awaited');
export const fleetLease = eventChannel<FleetLease>('finetune.fleet.lease');
export const fleetOffer = eventChannel<FleetOffer>('finetune.fleet.offer');
export const fleetGap = eventChannel<FleetGap>('finetune.fleet.gap');
export const fleetCommand = eventChannel<FleetCommand>('finetune.fleet.command');
export const fleetReconnected = eventChannel<FleetReconnected>('finetune.fleet.reconnected');
export const fleetReservation = eventChannel<FleetReservation>('finetune.fleet.reservation');
export const fleetGrant = eventChannel<FleetGrant>('finetune.fleet.grant');
export const fleetBlock = eventChannel<FleetBlock>('finetune.fleet.block');
export const fleetInvalidationsSent = eventChannel<FleetInvalidationsSent>('finetune.fleet.invalidations_sent');
export const fleetInvalidationReceived = eventChannel<FleetInvalidationReceived>(
  'finetune.fleet.invalidation_received',
);
export const fleetUnreadable = eventChannel<FleetUnreadable>('finetune.fleet.unreadable');
export const fleetFollowed = eventChannel<FleetFollowed>('finetune.fleet.followed');
