import { UpstreamError } from '../../upstream/errors/upstream-error.ts';
import type { Job, JobPageRequest } from '../../upstream/resources/job.ts';
import type { Page, PageItem, PageRequest } from '../../upstream/resources/page.ts';

/** Which jobs are looked for. */
export interface JobCriteria {
  readonly matches: (job: Job) => boolean;
  /** What the upstream is asked for. */
  readonly metadata: Readonly<Record<string, string>>;
  /** In a list of jobs newest first, nothing that is older matches. Seconds since the epoch. */
  readonly oldest: number;
}

/** What a scan has found. */
export interface Scan extends Page<Job> {
  /** How many jobs were looked at. */
  readonly scannedCount: number;
  /** The id of the last of them: from there a next scan misses nothing. */
  readonly endsAt: string | null;
}

/** Most upstream pages of one scan. */
export const PAGES_PER_SCAN = 10;
const JOBS_PER_PAGE = 100;

/**
 * Looks through the jobs, newest first, for at most `limit` that match, in at most ten upstream pages. Items that cannot
 * be understood cannot match. Rejects as `readPage` does, and with UPSTREAM_INVALID_RESPONSE when a page that is not the
 * last brings nothing that was not looked at before.
 */
export async function scanJobs(
  { limit, after }: PageRequest,
  { matches, metadata, oldest }: JobCriteria,
  readPage: (request: JobPageRequest) => Promise<Page<Job>>,
): Promise<Scan> {
  const found: PageItem<Job>[] = [];
  const order = createOrder();
  const seen = new Set([after]);
  let scannedCount = 0;
  let endsAt: string | null = null;
  for (let pages = 0; pages < PAGES_PER_SCAN; pages++) {
    const page = await readPage({ limit: JOBS_PER_PAGE, after: endsAt ?? after, metadata });
    if (page.hasMore && page.items.every(({ id }) => id === null || seen.has(id))) throw stuck();
    for (const [index, item] of page.items.entries()) {
      scannedCount++;
      endsAt = item.id ?? endsAt;
      if (item.value && !seen.has(item.id) && matches(item.value)) found.push(item);
      seen.add(item.id);
      const hasMore = page.hasMore || index < page.items.length - 1;
      if (found.length === limit) return { items: found, hasMore, scannedCount, endsAt };
    }
    if (!page.hasMore || order.isPast(page.items, oldest))
      return { items: found, hasMore: false, scannedCount, endsAt };
  }
  return { items: found, hasMore: true, scannedCount, endsAt };
}

const stuck = () => new UpstreamError('UPSTREAM_INVALID_RESPONSE', 'data: the pages do not go on');

/** Believes that a list goes from new to old only as long as it does, by whole pages. */
function createOrder() {
  let isDescending = true;
  let last = Number.POSITIVE_INFINITY;
  return {
    /** Whether all behind this page, which followed the one given before, are older than `oldest`. */
    isPast(items: readonly PageItem<Job>[], oldest: number): boolean {
      for (const { value } of items) {
        if (!value) continue;
        isDescending &&= value.created_at <= last;
        last = value.created_at;
      }
      return isDescending && last < oldest;
    },
  };
}
