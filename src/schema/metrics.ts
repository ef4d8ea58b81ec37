import { LOG_PAGES } from '../store/metrics.ts';
import type { MetricsSeries } from '../upstream/metrics.ts';
import { builder } from './builder.ts';
import { badUserInput } from './errors.ts';
import { FineTuningJob } from './job.ts';
import { FineTuningJobMetricsPoint, type MetricsPoint } from './metrics-point.ts';
import { costs, countOf } from './price.ts';
import { thin } from './thinning.ts';

const FEWEST = 16;
const MOST = 10_000;
const STANDARD = 500;

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
      resolve: ({ series, maxPoints }) => Array.from(thin(series, maxPoints), (index) => pointAt(series, index)),
    }),
    totalPoints: t.int({
      nullable: false,
      description: 'How many points there are, before any are left out.',
      resolve: ({ series }) => series.length,
    }),
    isComplete: t.boolean({
      nullable: false,
      description:
        'Whether the curve goes back to the beginning. Of a long log the first query reads the newest 2000 events only; each further query goes on from there.',
      resolve: ({ series }) => series.isComplete,
    }),
  }),
});

function pointAt(series: MetricsSeries, index: number): MetricsPoint {
  return {
    step: series.steps[index] ?? 0,
    createdAt: series.createdAt(index),
    value: (metric) => finiteOrNull(series.columns[metric]?.[index]),
    data: () => series.data(index),
  };
}

// NaN is what was not measured; a loss that has run away to infinity is nothing that JSON could carry.
function finiteOrNull(value: number | undefined): number | null {
  return Number.isFinite(value) ? (value ?? null) : null;
}

builder.objectField(FineTuningJob, 'metrics', (t) =>
  t.field({
    type: FineTuningJobMetrics,
    description:
      'Its loss curve: from its events while it runs, from its results file when it has finished. Costs at most 20 upstream calls for a job that runs or was cut short, and one otherwise.',
    args: {
      maxPoints: t.arg.int({
        defaultValue: STANDARD,
        description: `Most points to give, ${FEWEST} to ${MOST}; ${STANDARD} when left out or null.`,
      }),
    },
    // Where the results file is gone, or the server gives no contents, its events are read as well.
    extensions: costs({
      calls: 1 + LOG_PAGES,
      size: countOf('maxPoints', { least: FEWEST, most: MOST, standard: STANDARD }),
    }),
    resolve: async (job, args, { loaders }) => {
      const maxPoints = args.maxPoints ?? STANDARD;
      if (maxPoints < FEWEST || maxPoints > MOST)
        throw badUserInput('maxPoints', `a whole number from ${FEWEST} to ${MOST}, got ${maxPoints}`);
      return { series: await loaders.metrics(job), maxPoints };
    },
  }),
);
