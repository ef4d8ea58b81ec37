/** Jobs with unknown list positions per page that is read. One page is expected to contain more than one of them. */
const UNKNOWN_JOBS_PER_PAGE = 10;

/** Progress of a poll of several jobs: pages of the list from its head, and finally single reads. */
export interface PollProgress {
  /** Number of pages read. */
  readonly pagesRead: number;
  /** How many jobs with unknown positions the last page contained. */
  readonly found: number;
  /** The last known page of each remaining job, from 1; undefined if unknown. */
  readonly positions: readonly (number | undefined)[];
}

/** Whether reading the next page costs fewer calls than single reads of the jobs that it may contain. */
export function isPageWorthReading({ pagesRead, found, positions }: PollProgress): boolean {
  const next = pagesRead + 1;
  // New jobs move older ones to the next page: a job that was missing on its last known page is expected there.
  const known = positions.flatMap((page) => (page === undefined ? [] : [Math.max(page, next)])).sort((a, b) => a - b);
  if (known.some((page, index) => index + 1 > page - pagesRead)) return true;
  const unknownCount = positions.length - known.length;
  return pagesRead < Math.floor(unknownCount / UNKNOWN_JOBS_PER_PAGE) || (found > 1 && unknownCount > 1);
}

/** Maximum delay of a poll that is aligned with others, as a share of the poll interval. */
const MAX_DELAY_SHARE = 0.5;

/**
 * Delays the next polls of jobs that were read together, so that those that are due within half a poll interval are read
 * together again. Otherwise each page of a slow scan would be due by itself, and each poll would read all pages before it.
 */
export function alignPolls(jobs: Iterable<{ dueAt: number }>, pollIntervalMs: number): void {
  let target = Number.POSITIVE_INFINITY;
  for (const job of [...jobs].sort((a, b) => b.dueAt - a.dueAt)) {
    if (target - job.dueAt > pollIntervalMs * MAX_DELAY_SHARE) target = job.dueAt;
    else job.dueAt = target;
  }
}
