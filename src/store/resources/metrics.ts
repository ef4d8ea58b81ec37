import { isRejection } from '../../upstream/errors/upstream-error.ts';
import { seriesOfEvents } from '../../upstream/metrics/event-metrics.ts';
import type { MetricsSeries } from '../../upstream/metrics/metrics.ts';
import { isTerminal, type Job } from '../../upstream/resources/job.ts';
import type { Access } from '../cache/scope.ts';
import type { ReadContext } from '../cache/single-flight.ts';
import type { ContentStore } from './content.ts';
import type { EventStore } from './event.ts';
import type { JobStore } from './job.ts';
import type { LogSegment } from './log-segment.ts';

export interface MetricsStore {
  /**
   * The whole loss curve: of a job at its end from its results file, else from its events, of which `head` gives the
   * newest. Of events at most `PAGES_PER_CURVE` pages are read at once: `isComplete` is then false, and the next question goes
   * on from there. Throws UpstreamError, or the reason of the caller's signal.
   */
  curve(access: Access, job: Job, head: () => Promise<LogSegment>, readContext: ReadContext): Promise<MetricsSeries>;
}

/** Most upstream pages of a job's events that one question reads. */
export const PAGES_PER_CURVE = 20;

export function createMetricsStore(jobs: JobStore, events: EventStore, contents: ContentStore): MetricsStore {
  async function fromEvents(
    access: Access,
    jobId: string,
    head: LogSegment,
    readContext: ReadContext,
  ): Promise<MetricsSeries> {
    let run = head;
    for (let pages = 1; pages < PAGES_PER_CURVE && !run.isComplete; pages++) {
      const more = await events.readOlder(access, jobId, run, readContext);
      if (more.items.length === run.items.length && !more.isComplete) break; // Nothing came, and nothing will.
      run = more;
    }
    return seriesOf(run);
  }

  // A log stays the same array until it grows.
  const made = new WeakMap<LogSegment['items'], MetricsSeries>();
  function seriesOf({ items, isComplete }: LogSegment): MetricsSeries {
    const known = made.get(items);
    if (known?.isComplete === isComplete) return known;
    const series = seriesOfEvents(
      items.flatMap(({ value }) => (value ? [value] : [])),
      isComplete,
    );
    made.set(items, series);
    return series;
  }

  return {
    async curve(access, job, head, readContext) {
      const [fileId] = job.result_files;
      const end = jobs.end(access, job.id);
      const isToBeRead = isTerminal(job) && fileId !== undefined;
      const results = isToBeRead ? await contents.results(access, fileId, end, readContext).catch(nullIfRefused) : null;
      return results ?? (await fromEvents(access, job.id, await head(), readContext));
    },
  };
}

// A server that gives no contents, or not to us, has the events all the same.
function nullIfRefused(error: unknown): null {
  if (isRejection(error)) return null;
  throw error;
}
