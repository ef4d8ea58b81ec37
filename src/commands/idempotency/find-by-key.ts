import type { ReadContext } from '../../store/cache/read-context.ts';
import type { Cause } from '../../store/cache/read-through.ts';
import type { Access } from '../../store/cache/scope.ts';
import type { RefreshPageOptions } from '../../store/resources/job.ts';
import { scanJobs } from '../../store/resources/job-scan.ts';
import type { Store } from '../../store/store.ts';
import { UpstreamError } from '../../upstream/errors/upstream-error.ts';
import { hasKeyOf, type IdempotencyMark, metadataFilterOf } from '../../upstream/resources/idempotency-mark.ts';
import type { Job, JobPageRequest } from '../../upstream/resources/job.ts';
import type { Page } from '../../upstream/resources/page.ts';

/** Thrown when the upstream ignores the metadata filter and has more jobs than one scan reads. */
export class TooManyJobs extends UpstreamError {
  override readonly message =
    'idempotencyKey: cannot be checked, because the upstream ignores the metadata filter and has more than 1000 jobs; omit it to create the job without this protection.';

  constructor() {
    super('UPSTREAM_UNSUPPORTED', 'the metadata filter is ignored');
  }
}

const JOBS_PER_PAGE = 100;
/** Maximum upstream pages per search: those of a scan, and one without the filter. */
export const PAGES_PER_SEARCH = 11;

export interface KeySearch {
  readonly access: Access;
  readonly readContext: ReadContext;
  readonly mark: IdempotencyMark;
  /** The cause recorded for the job if it is found. */
  readonly cause: Cause;
}

/**
 * Finds the job with the key of a mark; null when there is certainly none. Uses the upstream's metadata filter, and checks
 * each job itself: if the filter is ignored, it scans up to 1000 jobs. The filter's index can lag behind, so the newest
 * 100 jobs are read without the filter too. Throws UpstreamError: of a failed call, UPSTREAM_INVALID_RESPONSE when the
 * pages make no progress or the only jobs found are invalid, or TooManyJobs.
 */
export async function findJobByKey(store: Store, { access, readContext, mark, cause }: KeySearch): Promise<Job | null> {
  const matches = (job: Job) => hasKeyOf(job, mark);
  const causeOf = (job: Job) => (matches(job) ? cause : 'query');
  const options: RefreshPageOptions = { readContext, cause: 'query', causeOf };
  const pages: Page<Job>[] = [];
  const readPage = async (request: JobPageRequest) => {
    const page = await store.jobs.refreshPage(access, request, options);
    pages.push(page);
    return page;
  };
  const criteria = { matches, metadata: metadataFilterOf(mark), oldest: Number.NEGATIVE_INFINITY };
  const { items, hasMore } = await scanJobs({ limit: 1, after: null }, criteria, readPage);
  if (items[0]?.value) return items[0].value;
  if (hasMore) throw new TooManyJobs();
  const others = pages.flatMap((page) => page.items);
  if (others.some(({ value }) => value !== undefined)) return null; // The filter is ignored: these are all jobs.
  const invalid = others.find(({ error }) => error !== undefined);
  if (invalid?.error) throw invalid.error;
  const newest = await readPage({ limit: JOBS_PER_PAGE, after: null });
  return newest.items.find(({ value }) => value && matches(value))?.value ?? null;
}
