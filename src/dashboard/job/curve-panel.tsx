import { useMemo } from 'preact/hooks';
import { lazyPart } from '../app/lazy-page.tsx';
import type { CurveStore } from '../chart/curve-store.ts';
import type { Point } from '../chart/metric.ts';
import { ErrorNotice } from '../ui/error-notice.tsx';
import { stepsPerEpochOf } from './epoch.ts';
import type { JobDetails } from './job-store.ts';

/** The library that draws is loaded when a job has a curve. */
const Curves = lazyPart(async () => (await import('../chart/curves.tsx')).Curves);

export function CurvePanel({ job, store }: { job: JobDetails; store: CurveStore }) {
  const { checkpoints } = job;
  const checkpointSteps = useMemo(
    () => (checkpoints?.nodes ?? []).flatMap((checkpoint) => checkpoint?.stepNumber ?? []),
    [checkpoints],
  );
  const curve = store.curve.value;
  const points = curve?.points ?? NO_POINTS;
  const stepsPerEpoch = useMemo(
    () => stepsPerEpochOf(job, { points, checkpointSteps }),
    [job, points, checkpointSteps],
  );
  const isExpected = !job.isTerminal || (curve === null && store.error.value === null);
  const panels = job.method?.rawType === 'reinforcement' ? 1 : 2;
  return (
    <section
      class="job-section job-curves"
      aria-labelledby="curves-heading"
      data-expected-panels={isExpected ? panels : undefined}
    >
      <h2 id="curves-heading">Curves</h2>
      {store.error.value && <ErrorNotice error={store.error.value} onRetry={store.load} />}
      {points.length === 0 && store.error.value === null && (
        <p class="quiet">{curve === null ? 'The curve is being loaded.' : emptyText(job)}</p>
      )}
      {points.length === 0 && isExpected && <EmptyPlots count={panels} />}
      {curve !== null && points.length > 0 && (
        <Curves
          job={{ id: job.id, name: job.suffix }}
          points={curve.points}
          totalPoints={curve.totalPoints}
          checkpointSteps={checkpointSteps}
          stepsPerEpoch={stepsPerEpoch}
        />
      )}
      {curve?.isComplete === false && <p class="quiet">The oldest or the last steps of the curve are missing.</p>}
    </section>
  );
}

/** The frames of the plots to come. With the height of the section, they keep what follows in its place. */
const EmptyPlots = ({ count }: { count: number }) => (
  <div class="empty-plots" aria-hidden="true">
    <div class="empty-plot" />
    {count > 1 && <div class="empty-plot" />}
  </div>
);

const NO_POINTS: readonly Point[] = [];

const emptyText = ({ isTerminal }: JobDetails): string =>
  isTerminal
    ? 'The job has ended before its first step.'
    : 'The curve begins with the first step of the training. It grows by itself: no reload is needed.';
