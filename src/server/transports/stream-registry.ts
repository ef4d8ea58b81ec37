import type { Clock } from '../../clock.ts';

/** What is said to a client at the end of its stream that the client has not asked for. */
export type CloseReason = 'drain' | 'revoked';

/** One connection that stays open for results, over whatever transport. */
export interface OpenStream {
  /** Whether the caller may still see what it gets. */
  isAuthorized(): boolean;
  /** Says that we are still there, unless the client has not yet read what it was sent. */
  heartbeat(): void;
  /** Tells the client why, and ends. */
  end(reason: CloseReason): void;
}

/** All open streams. */
export interface StreamRegistry {
  /** Gives what takes it away, once it has ended. */
  add(stream: OpenStream): () => void;
  /**
   * Tells all to go: a few at once, many in the course of three seconds, so that they do not all come back together. Gives
   * the milliseconds until all have been told.
   */
  drain(): number;
  readonly size: number;
}

/** The beats of many streams are spread over so many moments. */
const MOMENTS = 8;
const MIN_SPREAD_STREAMS = 100;
const DRAIN_MS = 3000;
const DRAIN_STEPS = 30;

export function createStreamRegistry(clock: Clock, heartbeatMs: number): StreamRegistry {
  const open = new Set<OpenStream>();
  const moments = Array.from({ length: MOMENTS }, () => new Set<OpenStream>());
  let now = 0;
  let added = 0;
  let isDraining = false;
  let cancel: (() => void) | undefined; // Of the one timer; there is none without streams.

  function tick() {
    cancel = clock.after(heartbeatMs / MOMENTS, tick);
    now = (now + 1) % MOMENTS;
    for (const stream of moments[now] ?? []) {
      if (stream.isAuthorized()) stream.heartbeat();
      else stream.end('revoked');
    }
  }

  function endSome(streams: readonly OpenStream[], count: number) {
    for (const stream of streams.slice(0, count)) if (open.has(stream)) stream.end('drain');
    const rest = streams.slice(count);
    if (rest.length > 0) clock.after(DRAIN_MS / DRAIN_STEPS, () => endSome(rest, count));
  }

  return {
    add(stream) {
      const moment = moments[added++ % MOMENTS];
      open.add(stream);
      moment?.add(stream);
      cancel ??= clock.after(heartbeatMs / MOMENTS, tick);
      if (isDraining) stream.end('drain');
      return () => {
        moment?.delete(stream);
        if (!open.delete(stream) || open.size > 0) return;
        cancel?.();
        cancel = undefined;
      };
    },
    drain() {
      isDraining = true;
      const isFew = open.size <= MIN_SPREAD_STREAMS;
      endSome([...open], isFew ? MIN_SPREAD_STREAMS : Math.ceil(open.size / DRAIN_STEPS));
      return isFew ? 0 : DRAIN_MS;
    },
    get size() {
      return open.size;
    },
  };
}
