import { listen } from '../event-channel.ts';
import * as events from '../fleet-events.ts';
import type { CreateDurations, CreateTally } from './series.ts';

/** Records the events of a fleet. Returns the functions that stop it. */
export function recordFleet(tally: CreateTally, durations: CreateDurations): (() => void)[] {
  return [...recordRedis(tally, durations), ...recordWatch(tally, durations), ...recordState(tally, durations)];
}

function recordRedis(tally: CreateTally, durations: CreateDurations) {
  const outages = tally('finetune.fleet.outages');
  const resets = tally('finetune.fleet.resets');
  const reconnects = tally('finetune.fleet.reconnects');
  const unreadable = tally('finetune.fleet.unreadable');
  const commands = durations('finetune.fleet.command.duration');
  return [
    listen(events.fleetChanged, ({ isAvailable }) => outages.add(isAvailable ? 0 : 1)), // Alerts need 0 before the first.
    listen(events.fleetReset, () => resets.add(1)),
    listen(events.fleetReconnected, ({ connection }) => reconnects.add(1, connection)),
    listen(events.fleetUnreadable, ({ kind }) => unreadable.add(1, kind)),
    listen(events.fleetCommand, ({ script, outcome, seconds }) => commands.record(seconds, script, outcome)),
  ];
}

function recordWatch(tally: CreateTally, durations: CreateDurations) {
  const leases = tally('finetune.fleet.leases');
  const takeovers = tally('finetune.fleet.takeovers');
  const refused = tally('finetune.fleet.refused_observations');
  const gaps = tally('finetune.fleet.gaps');
  const delays = durations('finetune.fleet.follow.delay');
  return [
    listen(events.fleetLease, ({ change }) => {
      if (change === 'takeover') takeovers.add(1);
      else leases.add(change === 'taken' ? 1 : -1);
    }),
    listen(events.fleetOffer, () => refused.add(1)),
    listen(events.fleetGap, ({ kind }) => gaps.add(1, kind)),
    listen(events.fleetFollowed, ({ seconds }) => delays.record(seconds)),
  ];
}

function recordState(tally: CreateTally, durations: CreateDurations) {
  const reservations = tally('finetune.fleet.reservations');
  const granted = tally('finetune.fleet.granted_calls');
  const blocks = tally('finetune.fleet.blocks');
  const sent = tally('finetune.fleet.invalidations.sent');
  const delays = durations('finetune.fleet.invalidation.delay');
  return [
    listen(events.fleetReservation, ({ outcome }) => reservations.add(1, outcome)),
    listen(events.fleetGrant, ({ calls }) => granted.add(calls)),
    listen(events.fleetBlock, ({ calls }) => blocks.add(1, calls)),
    listen(events.fleetInvalidationsSent, ({ changes }) => sent.add(changes)),
    listen(events.fleetInvalidationReceived, ({ seconds }) => delays.record(seconds)),
  ];
}
