import type { Clock } from '../../clock.ts';

/** The clock of one store, which also counts: of two moments at the same millisecond the later has the greater turn. */
export interface SequenceClock extends Clock {
  nextSequence(): number;
}

export function createSequenceClock(clock: Clock): SequenceClock {
  let turns = 0;
  return { now: () => clock.now(), after: (ms, callback) => clock.after(ms, callback), nextSequence: () => ++turns };
}
