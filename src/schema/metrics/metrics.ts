import { PAGES_PER_CURVE } from '../../store/resources/metrics.ts';
import type { MetricsSeries } from '../../upstream/metrics/metrics.ts';
import { builder } from '../core/builder.ts';
import { badUserInput } from '../core/errors.ts';
import { cost, countOf } from '../core/field-cost.ts';
import { FineTuningJob } from '../job/job.ts';
import { downsample } from './downsampling.ts';
import { FineTuningJobMetricsPoint, type MetricsPoint } from './metrics-point.ts';

const MIN_POINTS = 16;
const MAX_POINTS = 10_000;
const DEFAULT_POINTS = 500;

/** A loss curve, and the maximum number of points to return. */
interface Curve {
  readonly series: MetricsSeries;
  readonly maxPoints: number;
}

const FineTuningJobMetrics = builder.objectRef<Curve>('FineTuningJobMetrics').implement({
  description: 'The loss curve of a job.',
  fields: (t) => ({
    points: t.field({
      type: [FineTuningJobMetricsPoint],
      nullable: false,
      description:
        'The points, oldest first. More than `maxPoints` points are downsampled so that the chart keeps its shape. The first and the last point remain, and the minimum and the maximum of each loss.',
      resolve: ({ series, maxPoints }) => Array.from(downsample(series, maxPoints), (index) => pointAt(series, index)),
    }),
    totalPoints: t.int({
      nullable: false,
      description:
        'Number of points before downsampling. The number of all points of the job when `isComplete` is true.',
      resolve: ({ series }) => series.length,
    }),
    isComplete: t.boolean({
      nullable: false,
      description: `Whether the curve starts at the first step. A query reads at most ${PAGES_PER_CURVE} pages of a long event log, newest first. When the gateway caches them, the next query continues with older pages.`,
      resolve: ({ series }) => series.isComplete,
    }),
  }),
});

export function pointAt(series: MetricsSeries, index: number): MetricsPoint {
  return {
    step: series.steps[index] ?? 0,
    createdAt: series.createdAt(index),
    value: (metric) => numberOrNull(series.columns[metric]?.[index]),
    data: () => series.data(index),
  };
}

// A column has NaN where the metric was not measured.
function numberOrNull(value = Number.NaN): number | null {
  return Number.isNaN(value) ? null : value;
}

builder.objectField(FineTuningJob, 'metrics', (t) =>
  t.field({
    type: FineTuningJobMetrics,
    description: `The loss curve: from the events of a running job, and from the results file of an ended job. Costs one upstream call with a results file, otherwise at most ${PAGES_PER_CURVE}.`,
    args: {
      maxPoints: t.arg.int({
        defaultValue: DEFAULT_POINTS,
        description: `Maximum number of points, from ${MIN_POINTS} to ${MAX_POINTS}. By default, and when null, ${DEFAULT_POINTS}.`,
      }),
    },
    // The events are read too when the results file was deleted, or when the server has no file contents.
    extensions: cost({
      calls: 1 + PAGES_PER_CURVE,
      size: countOf('maxPoints', { min: MIN_POINTS, max: MAX_POINTS, fallback: DEFAULT_POINTS }),
    }),
    resolve: async (job, args, { loaders }) => {
      const maxPoints = args.maxPoints ?? DEFAULT_POINTS;
      if (maxPoints < MIN_POINTS || maxPoints > MAX_POINTS) {
        const expected = `an integer from ${MIN_POINTS} to ${MAX_POINTS}, such as ${DEFAULT_POINTS}`;
        throw badUserInput('maxPoints', `is ${maxPoints}; expected ${expected}`);
      }
      return { series: await loaders.metrics(job), maxPoints };
    },
  }),
);
