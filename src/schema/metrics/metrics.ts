import { EVENTS_PER_PAGE } from '../../store/resources/event.ts';
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
/** Maximum number of values in one curve. A results file can have a thousand columns, and `data` has all of them. */
const MAX_VALUES = 1_000_000;

/** A loss curve, and the maximum number of points to return. */
interface Curve {
  readonly series: MetricsSeries;
  readonly maxPoints: number;
}

const FineTuningJobMetrics = builder.objectRef<Curve>('FineTuningJobMetrics').implement({
  description: 'The loss curve of a job: its metrics, step by step.',
  fields: (t) => ({
    points: t.field({
      type: [FineTuningJobMetricsPoint],
      nullable: false,
      description:
        'The points by ascending step, at most `maxPoints`; empty before the first step. A longer curve is downsampled so that its chart keeps its shape. The first and the last point always remain, and so do the minimum and the maximum of each loss and of each reward. A results file with more than 100 columns can have fewer points: together they have at most 1000000 values.',
      resolve: ({ series, maxPoints }) => Array.from(downsample(series, maxPoints), (index) => pointAt(series, index)),
    }),
    totalPoints: t.int({
      nullable: false,
      description:
        'Number of points before downsampling, such as 2400. When `isComplete` is true, these are all points of the job.',
      resolve: ({ series }) => series.length,
    }),
    isComplete: t.boolean({
      nullable: false,
      description: `Whether the curve has all steps so far. False when the event log is longer than the newest ${PAGES_PER_CURVE * EVENTS_PER_PAGE} events that one query reads: then the oldest steps are missing, and the next query continues with older events. Also false when an older page of the log is invalid, or when a results file is too large to read whole: then its last steps are missing.`,
      resolve: ({ series }) => series.isComplete,
    }),
  }),
});

export function pointAt(series: MetricsSeries, index: number): MetricsPoint {
  return {
    step: series.steps[index] ?? 0,
    createdAt: series.createdAt(index),
    value: (metric) => numberOrNull(series.columns[metric]?.[index]),
    data: (hasTexts) => series.data(index, hasTexts),
  };
}

// A column has NaN where the metric was not measured.
function numberOrNull(value = Number.NaN): number | null {
  return Number.isNaN(value) ? null : value;
}

builder.objectField(FineTuningJob, 'metrics', (t) =>
  t.field({
    type: FineTuningJobMetrics,
    description: `The loss curve: from the results file of an ended job, and from the events of other jobs. Costs one upstream call with a results file, otherwise at most ${PAGES_PER_CURVE}. Null only with an error.`,
    args: {
      maxPoints: t.arg.int({
        defaultValue: DEFAULT_POINTS,
        description: `Maximum number of points to return, from ${MIN_POINTS} to ${MAX_POINTS}. By default, and when null, ${DEFAULT_POINTS}.`,
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
      const series = await loaders.metrics(job);
      return { series, maxPoints: Math.min(maxPoints, Math.floor(MAX_VALUES / Math.max(1, series.columnCount))) };
    },
  }),
);
