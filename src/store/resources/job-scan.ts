import { UpstreamError } from '../../upstream/errors/upstream-error.ts';
import type { Job, JobPageRequest } from '../../upstream/resources/job.ts';
import type { Page, PageItem, PageRequest } from '../../upstream/resources/page.ts';

/** Criteria of a scan. */
export interface JobCriteria {
  readonly matches: (job: Job) => boolean;
  /** The metadata filter sent upstream. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Jobs created earlier do not match. Seconds since the epoch. */
  readonly oldest: number;
}

/** The matching jobs of one scan. */
export interface Scan extends Page<Job> {
  readonly scannedCount: number;
  /** Id of the last scanned job: the cursor for the next scan. */
  readonly endsAt: string | null;
}

/** Maximum upstream pages per scan. */
export const PAGES_PER_SCAN = 10;
const JOBS_PER_PAGE = 100;

/**
 * Scans the jobs, newest first, for at most `limit` matches, within PAGES_PER_SCAN upstream pages. Invalid items do not
 * match. Rejects as `readPage` does, and with UPSTREAM_INVALID_RESPONSE when a page has no new item although more pages follow.
 */
export async function scanJobs(
  { limit, after }: PageRequest,
  { matches, metadata, oldest }: JobCriteria,
  readPage: (request: JobPageRequest) => Promise<Page<Job>>,
): Promise<Scan> {
  const found: PageItem<Job>[] = [];
  const order = createOrderCheck();
  const scannedIds = new Set([after]);
  let scannedCount = 0;
  let endsAt: string | null = null;
  for (let pages = 0; pages < PAGES_PER_SCAN; pages++) {
    const page = await readPage({ limit: JOBS_PER_PAGE, after: endsAt ?? after, metadata });
    if (page.hasMore && page.items.every(({ id }) => id === null || scannedIds.has(id))) throw noProgress();
    for (const [index, item] of page.items.entries()) {
      scannedCount++;
      endsAt = item.id ?? endsAt;
      if (item.value && !scannedIds.has(item.id) && matches(item.value)) found.push(item);
      scannedIds.add(item.id);
      const hasMore = page.hasMore || index < page.items.length - 1;
      if (found.length === limit) return { items: found, hasMore, scannedCount, endsAt };
    }
    if (!page.hasMore || order.isPast(page.items, oldest))
      return { items: found, hasMore: false, scannedCount, endsAt };
  }
  return { items: found, hasMore: true, scannedCount, endsAt };
}

const noProgress = () =>
  new UpstreamError('UPSTREAM_INVALID_RESPONSE', 'data: has no new item, although has_more is true');

/** Tracks whether the list is sorted from newest to oldest, across all pages read so far. */
function createOrderCheck() {
  let isDescending = true;
  let last = Number.POSITIVE_INFINITY;
  return {
    /** Whether all jobs after this page, which follows the previous call's page, are older than `oldest`. */
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
