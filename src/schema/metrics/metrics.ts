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

/** A loss curve, and of its points those to show. */
interface Curve {
  readonly series: MetricsSeries;
  readonly maxPoints: number;
}

const FineTuningJobMetrics = builder.objectRef<Curve>('FineTuningJobMetrics').implement({
  description: "A job's loss curve.",
  fields: (t) => ({
    points: t.field({
      type: [FineTuningJobMetricsPoint],
      nullable: false,
      description:
        'The points, oldest first. When there are more than `maxPoints`, those are left out that a picture misses least: the first and the last stay, and the lowest and the highest of each loss.',
      resolve: ({ series, maxPoints }) => Array.from(downsample(series, maxPoints), (index) => pointAt(series, index)),
    }),
    totalPoints: t.int({
      nullable: false,
      description: 'How many points were read, before any are left out: all there are when `isComplete` is true.',
      resolve: ({ series }) => series.length,
    }),
    isComplete: t.boolean({
      nullable: false,
      description:
        'Whether the curve goes back to the beginning. Of a long log a query reads at most 20 pages, the newest first; where the gateway keeps what it has read, the next query goes on behind it.',
      resolve: ({ series }) => series.isComplete,
    }),
  }),
});

export function pointAt(series: MetricsSeries, index: number): MetricsPoint {
  return {
    step: series.steps[index] ?? 0,
    createdAt: series.createdAt(index),
    value: (metric) => measuredOrNull(series.columns[metric]?.[index]),
    data: () => series.data(index),
  };
}

// NaN is what was not measured.
function measuredOrNull(value = Number.NaN): number | null {
  return Number.isNaN(value) ? null : value;
}

builder.objectField(FineTuningJob, 'metrics', (t) =>
  t.field({
    type: FineTuningJobMetrics,
    description:
      'Its loss curve: from its events while it runs, from its results file when it has finished. Costs one upstream call for a job with a results file, and at most 20 for one that runs, was cut short or has lost it.',
    args: {
      maxPoints: t.arg.int({
        defaultValue: DEFAULT_POINTS,
        description: `Most points to give, ${MIN_POINTS} to ${MAX_POINTS}; ${DEFAULT_POINTS} when left out or null.`,
      }),
    },
    // Where the results file is gone, or the server gives no contents, its events are read as well.
    extensions: cost({
      calls: 1 + PAGES_PER_CURVE,
      size: countOf('maxPoints', { least: MIN_POINTS, most: MAX_POINTS, standard: DEFAULT_POINTS }),
    }),
    resolve: async (job, args, { loaders }) => {
      const maxPoints = args.maxPoints ?? DEFAULT_POINTS;
      if (maxPoints < MIN_POINTS || maxPoints > MAX_POINTS)
        throw badUserInput('maxPoints', `a whole number from ${MIN_POINTS} to ${MAX_POINTS}, got ${maxPoints}`);
      return { series: await loaders.metrics(job), maxPoints };
    },
  }),
);
