import type { Clock } from '../../../clock.ts';

/** Thrown when Redis has not replied in time. */
export class ReplyTimeout extends Error {
  override readonly name = 'ReplyTimeout';
}

/**
 * Calls back after `ms`, unless it is canceled. A process that was busy for so long reads its sockets first: the reply may be
 * there. Returns the cancel function.
 */
export function afterReads(clock: Clock, ms: number, callback: () => void): () => void {
  let isCanceled = false;
  const callUnlessCanceled = () => {
    if (!isCanceled) callback();
  };
  const cancelTimer = clock.after(ms, () => setImmediate(() => setImmediate(callUnlessCanceled)));
  return () => {
    isCanceled = true;
    cancelTimer();
  };
}
