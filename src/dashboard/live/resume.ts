import { after } from '../data/clock.ts';

/** Gaps that are found within this time are one. It also lets the gateway start the subscriptions before the reads. */
const RESUME_DELAY_MS = 250;

const callbacks = new Set<() => void>();
let isDue = false;

/** Runs `callback` after each gap, such as a reconnection: changes can be missing. Returns its removal. */
export function onResume(callback: () => void): () => void {
  callbacks.add(callback);
  return () => callbacks.delete(callback);
}

/** Calls the callbacks soon, and once for all gaps that are found until then. */
export function resumeSoon(): void {
  if (isDue) return;
  isDue = true;
  after(RESUME_DELAY_MS, () => {
    isDue = false;
    for (const callback of callbacks) callback();
  });
}
