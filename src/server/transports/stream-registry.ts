import type { Clock } from '../../clock.ts';
import { type StreamEnd, type StreamTransport, streamEnded, streamStarted } from '../../telemetry/events.ts';

/** Why the server ends a stream. */
export type CloseReason = 'drain' | 'revoked';

/** A connection that stays open for results, over any transport. */
export interface OpenStream {
  readonly transport: StreamTransport;
  /** Whether the caller is still authorized. */
  isAuthorized(): boolean;
  /** Sends a heartbeat, unless earlier bytes are still unsent. */
  heartbeat(): void;
  /** Sends the reason and ends the stream. */
  end(reason: CloseReason): void;
}

/** All open streams. */
export interface StreamRegistry {
  /** Adds a stream. Returns the function that removes it, and reports the reason of its end. */
  add(stream: OpenStream): (reason: StreamEnd) => void;
  /**
   * Ends all streams: few at once, many spread over three seconds, so that clients do not reconnect all together. Returns
   * the milliseconds until all are ended.
   */
  drain(): number;
  readonly size: number;
}

/** Streams are divided into this number of slots, whose heartbeats are spread over the interval. */
const HEARTBEAT_SLOTS = 8;
const MIN_STREAMS_TO_SPREAD = 100;
const DRAIN_MS = 3000;
const DRAIN_STEPS = 30;

export function createStreamRegistry(clock: Clock, heartbeatMs: number): StreamRegistry {
  const open = new Set<OpenStream>();
  const slots = Array.from({ length: HEARTBEAT_SLOTS }, () => new Set<OpenStream>());
  let currentSlot = 0;
  let addedCount = 0;
  let isDraining = false;
  let cancelTimer: (() => void) | undefined; // One timer for all; none without streams.

  function tick() {
    cancelTimer = clock.after(heartbeatMs / HEARTBEAT_SLOTS, tick);
    currentSlot = (currentSlot + 1) % HEARTBEAT_SLOTS;
    for (const stream of slots[currentSlot] ?? []) {
      if (stream.isAuthorized()) stream.heartbeat();
      else stream.end('revoked');
    }
  }

  function endInSteps(streams: readonly OpenStream[], stepSize: number) {
    for (const stream of streams.slice(0, stepSize)) if (open.has(stream)) stream.end('drain');
    const rest = streams.slice(stepSize);
    if (rest.length > 0) clock.after(DRAIN_MS / DRAIN_STEPS, () => endInSteps(rest, stepSize));
  }

  return {
    add(stream) {
      const slot = slots[addedCount++ % HEARTBEAT_SLOTS];
      open.add(stream);
      slot?.add(stream);
      cancelTimer ??= clock.after(heartbeatMs / HEARTBEAT_SLOTS, tick);
      const { transport } = stream;
      if (streamStarted.hasSubscribers) streamStarted.publish({ transport });
      if (isDraining) stream.end('drain');
      return (reason) => {
        slot?.delete(stream);
        if (!open.delete(stream)) return;
        if (streamEnded.hasSubscribers) streamEnded.publish({ transport, reason });
        if (open.size > 0) return;
        cancelTimer?.();
        cancelTimer = undefined;
      };
    },
    drain() {
      isDraining = true;
      const isFew = open.size <= MIN_STREAMS_TO_SPREAD;
      endInSteps([...open], isFew ? MIN_STREAMS_TO_SPREAD : Math.ceil(open.size / DRAIN_STEPS));
      return isFew ? 0 : DRAIN_MS;
    },
    get size() {
      return open.size;
    },
  };
}
