import type { JobObservation } from '../../store/cache/freshness.ts';
import type { JobChange } from './change.ts';

/** Who is told of a job, or of all. */
export interface WatchListener {
  onChange(change: JobChange): void;
  /** Nothing more will be told. */
  onEnd(error: Error): void;
}

/** A job that somebody watches. */
export interface WatchedJob {
  readonly id: string;
  readonly listeners: Set<WatchListener>;
  /** Whether those who follow the whole account are to see it move. */
  isOfAccount: boolean;
  /** What was seen last since it is watched. */
  observation: JobObservation | undefined;
  /** On which page of the list it stood when it was seen there last, from 1. */
  listPosition: number | undefined;
  /** When it was last seen to have changed, or began to be watched; milliseconds since the epoch, as are those below. */
  changedAt: number;
  /** When to look at it again; Infinity when it has come to its end. */
  dueAt: number;
  /** When the last look began. */
  polledAt: number;
  /** What makes a look necessary that begins from now on: a webhook, or a sight that could not be believed. */
  requested: 'webhook' | 'poll' | null;
  isPolling: boolean;
  /** Looks that have failed in a row. */
  failures: number;
  /** Lets go of what the store holds for it. */
  release(): void;
}
