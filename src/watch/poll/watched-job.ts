import type { JobSight } from '../../store/cache/freshness.ts';
import type { JobChange } from './change.ts';

/** Who is told of a job, or of all. */
export interface Follower {
  tell(change: JobChange): void;
  /** Nothing more will be told. */
  end(error: Error): void;
}

/** A job that somebody watches. */
export interface WatchedJob {
  readonly id: string;
  readonly followers: Set<Follower>;
  /** Whether those who follow the whole account are to see it move. */
  isOfAccount: boolean;
  /** What was seen last since it is watched. */
  sight: JobSight | undefined;
  /** On which page of the list it stood when it was seen there last, from 1. */
  place: number | undefined;
  /** When it was last seen to have changed, or began to be watched; milliseconds since the epoch, as are those below. */
  changedAt: number;
  /** When to look at it again; Infinity when it has come to its end. */
  dueAt: number;
  /** When the last look began. */
  lookedAt: number;
  /** What makes a look necessary that begins from now on: a webhook, or a sight that could not be believed. */
  wanted: 'webhook' | 'poll' | null;
  isUnderWay: boolean;
  /** Looks that have failed in a row. */
  failures: number;
  /** Lets go of what the store holds for it. */
  release(): void;
}
