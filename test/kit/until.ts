import { setImmediate, setTimeout } from 'node:timers/promises';

/** Most conditions hold after a few turns of the event loop. */
const QUICK_TURNS = 100;

/** Resolves when the condition holds: for a state without an event to await. Uses little CPU time for a long wait. */
export async function until(isMet: () => boolean): Promise<void> {
  for (let turn = 0; !isMet(); turn++) await (turn < QUICK_TURNS ? setImmediate() : setTimeout(1));
}

/** The same for a condition that takes a call. */
export async function untilAsync(isMet: () => Promise<boolean>): Promise<void> {
  while (!(await isMet())) await setTimeout(5);
}
