import type { Caller, Claimant } from '../../upstream/resilience/call-claims.ts';
import { callersOf } from './claimants.ts';
import { createEventTail, type EventTail, type EventTailOptions } from './event-tail.ts';

/** The tails of the event logs of one scope. */
export interface EventTails {
  /** Number of tails. */
  readonly size: number;
  /** Returns the shared tail of a job's log. The caller must call `close` once. A new tail charges its first poll. */
  open(jobId: string, claimant: Claimant): OpenTail;
  /** Follows a log for other replicas. `onEnd` is called when the tail fails. Returns the function that ends it. */
  openRemote(jobId: string, onEnd: (error: Error) => void): () => void;
  get(jobId: string): EventTail | undefined;
  all(): readonly EventTail[];
  dispose(): void;
}

export interface OpenTail {
  readonly tail: EventTail;
  readonly close: () => void;
}

/** A reader of a tail. */
interface TailReader {
  readonly callers: Iterable<Caller>;
  /** Called when the tail fails, for other replicas; null for a subscriber of this one. */
  readonly onRemoteEnd: ((error: Error) => void) | null;
}

/** The readers of one tail. */
interface Readers {
  readonly all: Set<TailReader>;
  /** Number of subscribers of this replica among them. */
  own: number;
}

export type EventTailsOptions = Omit<EventTailOptions, 'callers' | 'isRemote' | 'account'>;

export function createEventTails(options: EventTailsOptions): EventTails {
  const tails = new Map<string, { readonly tail: EventTail; readonly readers: Readers }>();
  const setInterest = (jobId: string, isFollowed: boolean) => options.logs.setInterest('events', jobId, isFollowed);

  function add(jobId: string, first: TailReader, account: Claimant['account']) {
    const readers: Readers = { all: new Set([first]), own: ownOf(first) };
    const isRemote = () => readers.own === 0;
    const onEnd = (error: Error) => {
      if (tails.get(jobId) !== entry) return;
      tails.delete(jobId);
      setInterest(jobId, false);
      for (const { onRemoteEnd } of readers.all) onRemoteEnd?.(error);
    };
    const tail = createEventTail({ ...options, callers: callersOf(readers.all), isRemote, account }, jobId, onEnd);
    const entry = { tail, readers };
    tails.set(jobId, entry);
    return entry;
  }

  function open(jobId: string, reader: TailReader, account?: Claimant['account']): OpenTail {
    const entry = tails.get(jobId) ?? add(jobId, reader, account);
    const { readers, tail } = entry;
    if (!readers.all.has(reader)) readers.own += ownOf(reader);
    readers.all.add(reader);
    if (tails.get(jobId) === entry) setInterest(jobId, readers.own > 0);
    const close = () => {
      if (readers.all.delete(reader)) readers.own -= ownOf(reader);
      if (tails.get(jobId) === entry) setInterest(jobId, readers.own > 0);
      if (readers.all.size > 0) return;
      if (tails.get(jobId) === entry) tails.delete(jobId);
      tail.dispose();
    };
    return { tail, close };
  }

  return {
    get size() {
      return tails.size;
    },
    open: (jobId, { callers, account }) => open(jobId, { callers, onRemoteEnd: null }, account),
    openRemote: (jobId, onEnd) => open(jobId, { callers: [], onRemoteEnd: onEnd }).close,
    get: (jobId) => tails.get(jobId)?.tail,
    all: () => [...tails.values()].map(({ tail }) => tail),
    dispose() {
      for (const { tail } of [...tails.values()]) tail.dispose();
    },
  };
}

const ownOf = ({ onRemoteEnd }: TailReader) => (onRemoteEnd === null ? 1 : 0);
