import { PAGES_PER_CURVE } from '../../store/resources/metrics.ts';
import type { MetricsSeries } from '../../upstream/metrics/metrics.ts';
import type { Job } from '../../upstream/resources/job.ts';
import { LimitError } from '../limits/limit-error.ts';
import { type Download, downloadHeaders } from './download-reply.ts';
import type { DownloadRequest } from './download-request.ts';
import { csvOf, jsonOf } from './metrics-text.ts';
import { notFound } from './not-found.ts';
import type { DownloadRoute } from './route.ts';

/** Points for the job and its results file: one upstream call each. */
const CALL_POINTS = 2;
/** Steps of a curve that cost one point. */
const STEPS_PER_POINT = 1000;
/** Maximum reads of a log. Each continues where the last one stopped. */
const MAX_READS = 10;

type MetricsFormat = Exclude<DownloadRoute['kind'], 'content'>;

/** Opens the loss curve of a job, with all of its points. Throws UpstreamError, or an HttpError: 404, 429. */
export async function openMetrics(
  id: string | null,
  format: MetricsFormat,
  { request, context, budget }: DownloadRequest,
): Promise<Download> {
  await budget.spend(CALL_POINTS + PAGES_PER_CURVE);
  const job = id === null ? null : await context.loaders.job(id);
  if (job === null) throw notFound('Fine-tuning job', id, 'ftjob-abc123');
  const series = await readCurve(job, { context, budget });
  if (request.method === 'GET') await budget.spend(Math.floor(series.length / STEPS_PER_POINT));
  const isCsv = format === 'metrics.csv';
  const type = isCsv ? 'text/csv; charset=utf-8' : 'application/json; charset=utf-8';
  const headers = {
    ...downloadHeaders(type, `${job.id}-${format}`),
    'metrics-complete': String(series.isComplete),
  };
  return { status: 200, headers, chunks: isCsv ? csvOf(series) : jsonOf(job, series), close: () => {} };
}

/** Reads a curve whole. Stops before when the caller has too few points, when nothing more comes, and after MAX_READS. */
async function readCurve(
  job: Job,
  { context: { loaders }, budget }: Pick<DownloadRequest, 'context' | 'budget'>,
): Promise<MetricsSeries> {
  let series = await loaders.metrics(job);
  for (let reads = 1; reads < MAX_READS && !series.isComplete; reads++) {
    try {
      await budget.spend(PAGES_PER_CURVE);
    } catch (error) {
      if (error instanceof LimitError) break;
      throw error;
    }
    const { length } = series;
    series = await loaders.metrics(job);
    if (series.length <= length) break;
  }
  return series;
}
