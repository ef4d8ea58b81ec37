import { type ReadonlySignal, signal } from '@preact/signals';
import { query } from '../data/graphql-client.ts';
import { ownError, type RequestError } from '../data/request-error.ts';
import { createSequence } from '../data/sequence.ts';
import { onResume } from '../live/resume.ts';
import { subscribe } from '../live/subscription.ts';
import { JobMetrics, JobMetricsAdded } from '../operations/generated.ts';
import { createBatch } from './batch.ts';
import { mergePoints } from './merge-points.ts';
import type { Point } from './metric.ts';
import { FIRST_POINTS, MAX_POINTS, nextMaxPoints } from './points-request.ts';

export interface Curve {
  readonly points: readonly Point[];
  /** Number of steps that the gateway knows. */
  readonly totalPoints: number;
  /** Whether the gateway has all steps so far. */
  readonly isComplete: boolean;
}

export interface CurveStore {
  /** Null until it is loaded. */
  readonly curve: ReadonlySignal<Curve | null>;
  readonly error: ReadonlySignal<RequestError | null>;
  load(): Promise<void>;
  /** Receives the steps that follow. */
  follow(): void;
  dispose(): void;
}

/**
 * The curve of a job: from a query at first, then step by step, and again from a query after a gap and at the end. A query
 * returns at most `maxPoints`.
 */
export function createCurveStore(jobId: string, maxPoints = MAX_POINTS): CurveStore {
  const curve = signal<Curve | null>(null);
  const error = signal<RequestError | null>(null);
  const aborter = new AbortController();
  const cleanups: (() => void)[] = [() => aborter.abort()];
  const startRequest = createSequence();
  let isFollowing = false;

  const batch = createBatch<Point>((added) => {
    const known = curve.peek();
    if (known === null) return;
    const points = mergePoints(known.points, added);
    curve.value = { ...known, points, totalPoints: known.totalPoints + points.length - known.points.length };
  });
  cleanups.push(batch.dispose);

  async function load(): Promise<void> {
    for (let count: number | null = FIRST_POINTS; count !== null; ) {
      const isNewest = startRequest();
      const answer = await query(JobMetrics, { jobId, maxPoints: count }, aborter.signal);
      if (aborter.signal.aborted || !isNewest()) return;
      const metrics = answer.ok ? answer.data.fineTuningJob?.metrics : undefined;
      const failure = answer.ok ? answer.errors[0] : answer.error;
      error.value = failure ?? (metrics ? null : ownError('INTERNAL', 'The curve is null.'));
      if (!metrics) return;
      const points = mergePoints(curve.peek()?.points ?? [], metrics.points);
      curve.value = { ...metrics, points, totalPoints: Math.max(metrics.totalPoints, points.length) };
      count = nextMaxPoints(count, Math.min(maxPoints, metrics.totalPoints));
    }
  }

  function follow(): void {
    if (isFollowing || aborter.signal.aborted) return;
    isFollowing = true;
    const variables = () => ({ jobId, sinceStep: curve.peek()?.points.at(-1)?.step ?? 0 });
    const unsubscribe = subscribe(JobMetricsAdded, variables, {
      next: ({ fineTuningJobMetricsAdded: { point } }) => batch.add(point),
      failed: (failure, isFinal) => {
        if (isFinal) error.value = failure;
      },
      completed: () => void load(), // A results file has values that the events lack.
    });
    // `sinceStep` does not repeat steps that the upstream has inserted behind it.
    cleanups.push(unsubscribe, onResume(load));
  }

  return { curve, error, load, follow, dispose: () => cleanups.forEach((cleanup) => void cleanup()) };
}
