import type { Clock } from '../../clock.ts';

/** Frames per second that a client may send on average. */
export const FRAMES_PER_SECOND = 500;
/** Frames that a client may send at once. */
const MAX_BURST = 1000;
/** Frames above the burst that may already be on their way when the server stops reading. */
const MAX_EXCESS = 2000;

/** The rate of one client's frames: pings, pongs, and messages with all their fragments (token bucket). */
export interface FrameRate {
  add(frames: number): void;
  /** Milliseconds until the client is within its rate again; 0 when it is. */
  waitMs(): number;
  /** Whether the client sends frames faster than the server stops reading. */
  readonly isFlood: boolean;
}

export function createFrameRate(clock: Clock): FrameRate {
  let available = MAX_BURST;
  let refilledAt = clock.now();
  return {
    add(frames) {
      const now = clock.now();
      const refill = ((now - refilledAt) / 1000) * FRAMES_PER_SECOND;
      available = Math.min(MAX_BURST, available + refill) - frames;
      refilledAt = now;
    },
    waitMs() {
      this.add(0);
      return available >= 0 ? 0 : Math.ceil((-available / FRAMES_PER_SECOND) * 1000);
    },
    get isFlood() {
      return available < -MAX_EXCESS;
    },
  };
}
