import type { Clock } from '../../clock.ts';

/** A point in time: a sequence number, and milliseconds since the epoch. */
export interface Instant {
  readonly sequence: number;
  readonly at: number;
}

export const BEGINNING: Instant = { sequence: 0, at: Number.NEGATIVE_INFINITY };

/** The clock of one store, with sequence numbers that order events within one millisecond. */
export interface SequenceClock extends Clock {
  nextSequence(): number;
  /** Whatever was requested before is stale: changes can have been missed. */
  readonly floor: Instant;
  /** Makes everything stale that was requested before now. */
  raiseFloor(): void;
}

export function createSequenceClock(clock: Clock): SequenceClock {
  let last = 0;
  let floor = BEGINNING;
  return {
    now: () => clock.now(),
    timeOfDay: () => clock.timeOfDay(),
    after: (ms, callback) => clock.after(ms, callback),
    nextSequence: () => ++last,
    get floor() {
      return floor;
    },
    raiseFloor() {
      floor = { sequence: ++last, at: clock.now() };
    },
  };
}
