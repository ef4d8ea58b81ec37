import { isRefusal } from '../../upstream/errors/upstream-error.ts';
import { seriesOfEvents } from '../../upstream/metrics/event-metrics.ts';
import type { MetricsSeries } from '../../upstream/metrics/metrics.ts';
import { isTerminal, type Job } from '../../upstream/resources/job.ts';
import type { Access } from '../cache/scope.ts';
import type { Caller } from '../cache/single-flight.ts';
import type { ContentStore } from './content.ts';
import type { EventStore } from './event.ts';
import type { JobStore } from './job.ts';
import type { Run } from './log-segment.ts';

export interface MetricsStore {
  /**
   * The whole loss curve: of a job at its end from its results file, else from its events, of which `head` gives the
   * newest. Of events at most `PAGES_PER_CURVE` pages are read at once: `isComplete` is then false, and the next question goes
   * on from there. Throws UpstreamError, or the reason of the caller's signal.
   */
  curve(access: Access, job: Job, head: () => Promise<Run>, caller: Caller): Promise<MetricsSeries>;
}

/** Most upstream pages of a job's events that one question reads. */
export const PAGES_PER_CURVE = 20;

export function createMetricsStore(jobs: JobStore, events: EventStore, contents: ContentStore): MetricsStore {
  async function fromEvents(access: Access, jobId: string, head: Run, caller: Caller): Promise<MetricsSeries> {
    let run = head;
    for (let pages = 1; pages < PAGES_PER_CURVE && !run.isWhole; pages++) {
      const more = await events.deeper(access, jobId, run, caller);
      if (more.items.length === run.items.length && !more.isWhole) break; // Nothing came, and nothing will.
      run = more;
    }
    return seriesOf(run);
  }

  // A log stays the same array until it grows.
  const made = new WeakMap<Run['items'], MetricsSeries>();
  function seriesOf({ items, isWhole }: Run): MetricsSeries {
    const known = made.get(items);
    if (known?.isComplete === isWhole) return known;
    const series = seriesOfEvents(
      items.flatMap(({ value }) => (value ? [value] : [])),
      isWhole,
    );
    made.set(items, series);
    return series;
  }

  return {
    async curve(access, job, head, caller) {
      const [fileId] = job.result_files;
      const end = jobs.end(access, job.id);
      const isToBeRead = isTerminal(job) && fileId !== undefined;
      const results = isToBeRead ? await contents.results(access, fileId, end, caller).catch(nullIfRefused) : null;
      return results ?? (await fromEvents(access, job.id, await head(), caller));
    },
  };
}

// A server that gives no contents, or not to us, has the events all the same.
function nullIfRefused(error: unknown): null {
  if (isRefusal(error)) return null;
  throw error;
}
