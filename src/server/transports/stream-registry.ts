import type { Clock } from '../../clock.ts';
import { type StreamEnd, type StreamTransport, streamEnded, streamStarted } from '../../telemetry/events.ts';

/** Why the server ends a stream: the process stops, the upstream key has been replaced, or the caller's token is revoked. */
export type CloseReason = 'drain' | 'replaced' | 'revoked';

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
  /** Ends an added stream as revoked when the time of day is `expiresAt`, at most a second later. */
  endAt(stream: OpenStream, expiresAt: number): void;
  /**
   * Ends all streams: few at once, many spread over three seconds, so that clients do not reconnect all together. Returns
   * the milliseconds until all are ended. Later streams are ended at once.
   */
  drain(): number;
  /** Ends the streams that are open now, in the same way, so that their clients subscribe again with the current upstream key. */
  replace(): void;
  readonly size: number;
}

/** Streams are divided into this number of slots, whose heartbeats are spread over the interval. */
const HEARTBEAT_SLOTS = 8;
const MIN_STREAMS_TO_SPREAD = 100;
/** Interval of the search for expired streams, in milliseconds. Not a timer each: thousands can expire at any time. */
const EXPIRY_CHECK_MS = 1000;
const DRAIN_MS = 3000;
const DRAIN_STEPS = 30;

export function createStreamRegistry(clock: Clock, heartbeatMs: number): StreamRegistry {
  const open = new Set<OpenStream>();
  const slots = Array.from({ length: HEARTBEAT_SLOTS }, () => new Set<OpenStream>());
  const expiries = new Map<OpenStream, number>();
  let currentSlot = 0;
  let addedCount = 0;
  let isDraining = false;
  let cancelTimer: (() => void) | undefined; // One timer for all; none without streams.
  let cancelExpiryCheck: (() => void) | undefined; // None without streams that expire.

  function tick() {
    cancelTimer = clock.after(heartbeatMs / HEARTBEAT_SLOTS, tick);
    currentSlot = (currentSlot + 1) % HEARTBEAT_SLOTS;
    for (const stream of slots[currentSlot] ?? []) {
      if (stream.isAuthorized()) stream.heartbeat();
      else stream.end('revoked');
    }
  }

  function checkExpiries() {
    cancelExpiryCheck = clock.after(EXPIRY_CHECK_MS, checkExpiries);
    const now = clock.timeOfDay();
    for (const [stream, expiresAt] of expiries) if (now >= expiresAt) stream.end('revoked');
  }

  function removeExpiry(stream: OpenStream) {
    if (!expiries.delete(stream) || expiries.size > 0) return;
    cancelExpiryCheck?.();
    cancelExpiryCheck = undefined;
  }

  function endInSteps(streams: readonly OpenStream[], stepSize: number, reason: CloseReason) {
    for (const stream of streams.slice(0, stepSize)) if (open.has(stream)) stream.end(reason);
    const rest = streams.slice(stepSize);
    if (rest.length > 0) clock.after(DRAIN_MS / DRAIN_STEPS, () => endInSteps(rest, stepSize, reason));
  }

  function endAll(reason: CloseReason): number {
    const isFew = open.size <= MIN_STREAMS_TO_SPREAD;
    endInSteps([...open], isFew ? MIN_STREAMS_TO_SPREAD : Math.ceil(open.size / DRAIN_STEPS), reason);
    return isFew ? 0 : DRAIN_MS;
  }

  return {
    replace: () => void endAll('replaced'),
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
        removeExpiry(stream);
        if (!open.delete(stream)) return;
        if (streamEnded.hasSubscribers) streamEnded.publish({ transport, reason });
        if (open.size > 0) return;
        cancelTimer?.();
        cancelTimer = undefined;
      };
    },
    endAt(stream, expiresAt) {
      if (expiresAt === Number.POSITIVE_INFINITY || !open.has(stream)) return;
      expiries.set(stream, expiresAt);
      cancelExpiryCheck ??= clock.after(EXPIRY_CHECK_MS, checkExpiries);
    },
    drain() {
      isDraining = true;
      return endAll('drain');
    },
    get size() {
      return open.size;
    },
  };
}
