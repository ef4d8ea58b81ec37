import type { Clock } from '../../clock.ts';

/** The clock of one store, with sequence numbers that order events within one millisecond. */
export interface SequenceClock extends Clock {
  nextSequence(): number;
}

export function createSequenceClock(clock: Clock): SequenceClock {
  let last = 0;
  return {
    now: () => clock.now(),
    timeOfDay: () => clock.timeOfDay(),
    after: (ms, callback) => clock.after(ms, callback),
    nextSequence: () => ++last,
  };
}
