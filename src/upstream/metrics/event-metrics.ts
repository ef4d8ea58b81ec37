import { z } from 'zod';
import type { JobEvent } from '../resources/event.ts';
import { nullIfInvalid, stepNumber } from '../resources/lenient-schema.ts';
import { METRICS, type Metric, type MetricsSeries } from './metrics.ts';

// What a job measured at a step, as the events of running jobs have it. Each number is there only when it was measured,
// the total is not there in old jobs and on Azure, and beside them may stand anything (docs/upstream.md: Metrics events).
const schema = z.object({ step: stepNumber, total_steps: nullIfInvalid(stepNumber.pipe(z.int32().positive())) });

/** Where a job stood when it told. */
export interface StepReport {
  readonly step: number;
  /** From 1 on; null when the server does not tell. */
  readonly totalSteps: number | null;
  /** Seconds since the epoch. */
  readonly createdAt: number;
}

/** The step that an event tells of, whatever type it says it has; null for an event without measurements. */
export function stepReportOf({ data, created_at: createdAt }: JobEvent): StepReport | null {
  if (data === null) return null;
  const { success, data: read } = schema.safeParse(data);
  return success ? { step: read.step, totalSteps: read.total_steps, createdAt } : null;
}

/** The loss curve in the events of a job, given newest first. `isComplete` says whether they are all. */
export function seriesOfEvents(events: readonly JobEvent[], isComplete: boolean): MetricsSeries {
  const points = events
    .flatMap((event) => {
      const mark = stepReportOf(event);
      return mark ? [{ event, step: mark.step, data: event.data as Readonly<Record<string, unknown>> }] : []; // `stepOf` saw an object.
    })
    .reverse()
    .sort((a, b) => a.step - b.step); // Of equal steps the earlier stays first.
  const columns: Partial<Record<Metric, Float64Array>> = {};
  for (const [index, { data }] of points.entries()) {
    for (const name of METRICS) {
      const value = data[name];
      // A loss that has run away to infinity is nothing that JSON could carry on.
      if (typeof value !== 'number' || !Number.isFinite(value)) continue;
      columns[name] ??= new Float64Array(points.length).fill(Number.NaN);
      columns[name][index] = value;
    }
  }
  return {
    length: points.length,
    steps: Float64Array.from(points, (point) => point.step),
    columns,
    isComplete,
    createdAt: (index) => points[index]?.event.created_at ?? null,
    data: (index) => points[index]?.data ?? null,
    sizeInBytes: 0, // The log has them already.
  };
}
