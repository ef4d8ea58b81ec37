import { setImmediate } from 'node:timers/promises';
import { isWithinDepth } from '../../upstream/json/depth.ts';
import { METRICS, type MetricsSeries } from '../../upstream/metrics/metrics.ts';
import type { Job } from '../../upstream/resources/job.ts';

/** Values that are written between two turns of the event loop. */
const VALUES_PER_BATCH = 10_000;

/** The metrics as the fields of `FineTuningJobMetricsPoint` name them. */
const FIELDS = METRICS.map((metric) => [fieldOf(metric), metric] as const);

function fieldOf(metric: string): string {
  return metric.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** Yields a curve as CSV (RFC 4180, with LF). A value that was not measured is empty. */
export async function* csvOf(series: MetricsSeries): AsyncGenerator<string, void, undefined> {
  yield `step,createdAt,${FIELDS.map(([field]) => field).join()}\n`;
  const columns = FIELDS.map(([, metric]) => series.columns[metric]);
  for (const indexes of batches(series.length, FIELDS.length)) {
    const row = (index: number) => {
      const values = columns.map((column) => cellOf(column?.[index]));
      return `${series.steps[index]},${series.createdAt(index) ?? ''},${values.join()}\n`;
    };
    yield indexes.map(row).join('');
    await setImmediate(); // A fast client would block the event loop.
  }
}

/** Yields a curve as one JSON object, with all members of a point. A value that was not measured is null. */
export async function* jsonOf(job: Job, series: MetricsSeries): AsyncGenerator<string, void, undefined> {
  const { length: totalPoints, isComplete } = series;
  const head = JSON.stringify({ jobId: job.id, rawStatus: job.status, isComplete, totalPoints });
  yield `${head.slice(0, -1)},"points":[`;
  const valuesPerPoint = FIELDS.length + series.columnCount;
  for (const indexes of batches(series.length, valuesPerPoint)) {
    const points = indexes.map((index) => JSON.stringify(pointOf(series, index)));
    yield (indexes[0] === 0 ? '\n' : ',\n') + points.join(',\n');
    await setImmediate();
  }
  yield '\n]}\n';
}

function pointOf(series: MetricsSeries, index: number): Record<string, unknown> {
  const data = series.data(index);
  return {
    step: series.steps[index],
    createdAt: series.createdAt(index),
    ...Object.fromEntries(FIELDS.map(([field, metric]) => [field, numberOrNull(series.columns[metric]?.[index])])),
    data: isWithinDepth(data) ? data : null,
  };
}

/** Yields the indexes of the points in batches. */
function* batches(length: number, valuesPerPoint: number): Generator<number[], void, undefined> {
  const size = Math.ceil(VALUES_PER_BATCH / valuesPerPoint);
  for (let start = 0; start < length; start += size) {
    yield Array.from({ length: Math.min(size, length - start) }, (_, offset) => start + offset);
  }
}

// A column has NaN where the metric was not measured.
const numberOrNull = (value = Number.NaN): number | null => (Number.isNaN(value) ? null : value);
const cellOf = (value: number | undefined): string => String(numberOrNull(value) ?? '');
