import { isRejection, UpstreamError } from '../../upstream/errors/upstream-error.ts';
import { seriesOfEvents } from '../../upstream/metrics/event-metrics.ts';
import type { MetricsSeries } from '../../upstream/metrics/metrics.ts';
import { isTerminal, type Job } from '../../upstream/resources/job.ts';
import type { ReadContext } from '../cache/read-context.ts';
import type { Access } from '../cache/scope.ts';
import type { ContentStore } from './content.ts';
import type { EventStore } from './event.ts';
import type { JobInvalidation } from './job-invalidation.ts';
import type { LogSegment } from './log-segment.ts';

export interface MetricsStore {
  /**
   * Returns the loss curve: of an ended job from its results file, otherwise from its events, starting with `readHead()`.
   * Reads at most PAGES_PER_CURVE pages of events; `isComplete` is false when there are more, or when an older page
   * is invalid, and the next call continues from there. Throws UpstreamError, or the reason of the context's signal.
   */
  curve(
    access: Access,
    job: Job,
    readHead: () => Promise<LogSegment>,
    readContext: ReadContext,
  ): Promise<MetricsSeries>;
}

/** Maximum upstream pages of events per curve, the head included. */
export const PAGES_PER_CURVE = 20;

export function createMetricsStore(
  jobs: Pick<JobInvalidation, 'end'>,
  events: EventStore,
  contents: ContentStore,
): MetricsStore {
  async function curveFromEvents(
    access: Access,
    jobId: string,
    head: LogSegment,
    readContext: ReadContext,
  ): Promise<MetricsSeries> {
    let segment = head;
    for (let pages = 1; pages < PAGES_PER_CURVE && !segment.isComplete; pages++) {
      const next = await events.readOlder(access, jobId, segment, readContext).catch(nullIfInvalid);
      if (next === null) break; // The curve up to here remains.
      if (next.items.length === segment.items.length && !next.isComplete) break; // The server returned nothing new.
      segment = next;
    }
    if (!segment.isComplete) readContext.limitFreshness(Number.NEGATIVE_INFINITY); // The next query reads on.
    return seriesOf(segment);
  }

  // A segment keeps its array of items until it grows.
  const seriesByItems = new WeakMap<LogSegment['items'], MetricsSeries>();
  function seriesOf({ items, isComplete }: LogSegment): MetricsSeries {
    const cached = seriesByItems.get(items);
    if (cached?.isComplete === isComplete) return cached;
    const series = seriesOfEvents(
      items.flatMap(({ value }) => (value ? [value] : [])),
      isComplete,
    );
    seriesByItems.set(items, series);
    return series;
  }

  return {
    async curve(access, job, readHead, readContext) {
      const [fileId] = job.result_files;
      const end = jobs.end(access, job.id);
      const hasResults = isTerminal(job) && fileId !== undefined;
      const results = hasResults
        ? await contents.results(access, fileId, end, readContext).catch(nullIfRejected)
        : null;
      return results ?? (await curveFromEvents(access, job.id, await readHead(), readContext));
    },
  };
}

// A server that rejects reading file contents still has the events.
function nullIfRejected(error: unknown): null {
  if (isRejection(error)) return null;
  throw error;
}

function nullIfInvalid(error: unknown): null {
  if (error instanceof UpstreamError && error.code === 'UPSTREAM_INVALID_RESPONSE') return null;
  throw error;
}
