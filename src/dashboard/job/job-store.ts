import { type ReadonlySignal, signal } from '@preact/signals';
import { type CurveStore, createCurveStore } from '../chart/curve-store.ts';
import { nowSeconds } from '../data/clock.ts';
import { query } from '../data/graphql-client.ts';
import type { RequestError } from '../data/request-error.ts';
import { createSequence } from '../data/sequence.ts';
import { onResume } from '../live/resume.ts';
import { subscribe } from '../live/subscription.ts';
import {
  Job,
  type JobActionsFragment,
  JobProgressChanges,
  type JobQuery,
  JobStatusChanges,
} from '../operations/generated.ts';
import { createEstimateStore, type EstimateStore } from './estimate-store.ts';
import { createEventStore, type EventStore } from './event-store.ts';

/** The last events of a job come within it after its end. */
const LAST_EVENTS_SECONDS = 120;

export type JobDetails = NonNullable<JobQuery['fineTuningJob']>;

export interface JobStore {
  /** Null until it is loaded. */
  readonly job: ReadonlySignal<JobDetails | null>;
  readonly isMissing: ReadonlySignal<boolean>;
  readonly error: ReadonlySignal<RequestError | null>;
  /** Why fields of the job are null. */
  readonly fieldErrors: ReadonlySignal<readonly RequestError[]>;
  readonly curve: CurveStore;
  readonly events: EventStore;
  readonly estimate: EstimateStore;
  load(): Promise<void>;
  /** Called before a mutation of the job. Returns a function that receives the state that the mutation has returned. */
  startMutation(): (returned: JobActionsFragment) => void;
  /** Loads the job and follows it until it ends. Returns a function that ends it. */
  start(): () => void;
}

/** A job with its curve and its events. */
export function createJobStore(jobId: string): JobStore {
  const job = signal<JobDetails | null>(null);
  const isMissing = signal(false);
  const error = signal<RequestError | null>(null);
  const fieldErrors = signal<readonly RequestError[]>([]);
  const aborter = new AbortController();
  const cleanups: (() => void)[] = [];
  const startRequest = createSequence();
  let isFollowing = false;
  /** The state that the subscriptions and mutations have delivered: a query can return an older one. */
  let live: Partial<JobDetails> = {};
  /** Number of states that the subscription has delivered. */
  let delivered = 0;
  const curve = createCurveStore(jobId);
  const estimate = createEstimateStore(jobId);
  const events = createEventStore(jobId, (added) => {
    if (added.some(({ message }) => /checkpoint/i.test(message))) void load(); // It has the checkpoints.
  });

  async function load(): Promise<void> {
    const isNewest = startRequest();
    const answer = await query(Job, { jobId }, aborter.signal);
    if (aborter.signal.aborted || !isNewest()) return;
    const found = answer.ok ? answer.data.fineTuningJob : null;
    const failure = answer.ok
      ? (answer.errors.find(({ path }) => found === null || path.length > 1) ?? null)
      : answer.error;
    isMissing.value = found === null && (failure === null || failure.code === 'NOT_FOUND');
    error.value = isMissing.value ? null : failure;
    if (found === null) return;
    fieldErrors.value = answer.ok ? answer.errors : [];
    job.value = found.isTerminal ? found : { ...found, ...live };
    if (!found.isTerminal) follow();
    else if (found.endedAt !== null && nowSeconds.value - found.endedAt < LAST_EVENTS_SECONDS) followLists();
  }

  function put(changes: Partial<JobDetails>): void {
    const known = job.peek();
    live = { ...live, ...changes };
    if (known !== null) job.value = { ...known, ...changes };
  }

  function startMutation(): (returned: JobActionsFragment) => void {
    const deliveredBefore = delivered;
    return (returned) => {
      // A state that came meanwhile can be newer. If it is not, the subscription delivers what the mutation has changed.
      if (delivered === deliveredBefore && !job.peek()?.isTerminal) put(returned);
    };
  }

  function follow(): void {
    if (isFollowing) return;
    isFollowing = true;
    const status = subscribe(JobStatusChanges, () => ({ jobId }), {
      started() {
        live = {};
      },
      next({ fineTuningJobStatusChanged }) {
        delivered++;
        put(fineTuningJobStatusChanged.job);
      },
      failed(failure, isFinal) {
        if (failure.code === 'NOT_FOUND') isMissing.value = true;
        else if (isFinal) error.value = failure;
      },
      completed() {
        if (!isMissing.peek()) void load(); // A query can still return a deleted job from a cache.
      },
    });
    const progress = subscribe(JobProgressChanges, () => ({ jobId }), {
      next: ({ fineTuningJobProgressChanged }) => put({ progress: fineTuningJobProgressChanged.progress }),
    });
    cleanups.push(status, progress, onResume(load));
    followLists();
  }

  /** The subscriptions start after what the queries have returned. */
  let lists: Promise<unknown> = Promise.resolve();
  function followLists(): void {
    void lists.then(() => {
      curve.follow();
      events.follow();
    });
  }

  function start(): () => void {
    lists = Promise.all([curve.load(), events.loadOlder()]);
    void load();
    cleanups.push(estimate.start());
    return () => {
      aborter.abort();
      for (const cleanup of cleanups) cleanup();
      curve.dispose();
      events.dispose();
    };
  }

  return { job, isMissing, error, fieldErrors, curve, events, estimate, load, startMutation, start };
}
