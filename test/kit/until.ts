import { setImmediate } from 'node:timers/promises';

/** Lets the process go on until something is so: for what has no event that a test could wait for. */
export async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await setImmediate();
}
