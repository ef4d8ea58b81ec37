import { z } from 'zod';
import type { JobEvent } from '../resources/event.ts';
import { positiveStepOrNull, stepNumber } from '../resources/lenient-schema.ts';
import { type Metric, type MetricsSeries, measurementsIn } from './metrics.ts';

// The data of a metrics event. Each metric is optional, `total_steps` is absent from old jobs and on Azure, and there can
// be any other members (docs/upstream.md: Metrics events).
const schema = z.object({ step: stepNumber.refine((step) => step >= 0), total_steps: positiveStepOrNull });

/** The progress of a job at the time of an event. */
export interface StepReport {
  readonly step: number;
  /** At least 1; null when the server does not report it. */
  readonly totalSteps: number | null;
  /** Seconds since the epoch. */
  readonly createdAt: number;
}

/** Returns the progress that an event of any type reports; null for an event without metrics. */
export function stepReportOf({ data, created_at: createdAt }: JobEvent): StepReport | null {
  if (data === null) return null;
  const { success, data: parsed } = schema.safeParse(data);
  return success ? { step: parsed.step, totalSteps: parsed.total_steps, createdAt } : null;
}

/** Returns the loss curve of a job from its events, newest first. `isComplete` is false when events are missing. */
export function seriesOfEvents(events: readonly JobEvent[], isComplete: boolean): MetricsSeries {
  const points = events
    .flatMap((event) => {
      const report = stepReportOf(event);
      // A step report exists only when `data` is an object.
      return report ? [{ event, step: report.step, data: event.data as Readonly<Record<string, unknown>> }] : [];
    })
    .reverse()
    .sort((a, b) => a.step - b.step); // A stable sort: of equal steps the earlier comes first.
  const columns: Partial<Record<Metric, Float64Array>> = {};
  for (const [index, { data }] of points.entries()) {
    for (const [name, value] of measurementsIn(data)) {
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
    sizeInBytes: 0, // The cached event log already counts the events.
    columnCount: 0,
  };
}
