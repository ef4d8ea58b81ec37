import type { Cause } from '../../store/cache/read-through.ts';
import type { Access } from '../../store/cache/scope.ts';
import type { ReadContext } from '../../store/cache/single-flight.ts';
import type { RefreshPageOptions } from '../../store/resources/job.ts';
import { scanJobs } from '../../store/resources/job-scan.ts';
import type { Store } from '../../store/store.ts';
import { UpstreamError } from '../../upstream/errors/upstream-error.ts';
import { hasKeyOf, type IdempotencyMark, metadataFilterOf } from '../../upstream/resources/idempotency-mark.ts';
import type { Job, JobPageRequest } from '../../upstream/resources/job.ts';
import type { Page } from '../../upstream/resources/page.ts';

/** Thrown when a server that does not filter its jobs has more of them than are looked through. */
export class TooManyJobs extends UpstreamError {
  override readonly message =
    'The upstream does not filter its jobs by metadata and has more than 1000 of them: whether there is a job for this idempotencyKey cannot be found out.';

  constructor() {
    super('UPSTREAM_UNSUPPORTED', 'the metadata filter is ignored');
  }
}

/** Jobs on one page of the list. */
const JOBS_PER_PAGE = 100;
/** Most pages of one search: those of a scan, and the head of the whole list. */
export const PAGES_PER_SEARCH = 11;

/** For whom a job is looked for, by which mark, and what has caused it to be there when it is found. */
export interface KeySearch {
  readonly access: Access;
  readonly readContext: ReadContext;
  readonly mark: IdempotencyMark;
  readonly cause: Cause;
}

/**
 * Looks for the job with the key of this mark, by the upstream's filter, and believes only what it sees: of a server that
 * ignores the filter it looks through all jobs, 1000 at most. A filter can lag behind what was made, so that the newest 100
 * jobs are looked through without it, too. Null when there is surely none among all these. Throws UpstreamError: what the
 * upstream answers, UPSTREAM_INVALID_RESPONSE when its pages do not go on or what it finds cannot be read, TooManyJobs.
 */
export async function findJobByKey(store: Store, { access, readContext, mark, cause }: KeySearch): Promise<Job | null> {
  const matches = (job: Job) => hasKeyOf(job, mark);
  const look: RefreshPageOptions = { readContext, cause: 'query', causeOf: (job) => (matches(job) ? cause : 'query') };
  const seen: Page<Job>[] = [];
  const read = async (request: JobPageRequest) => {
    const page = await store.jobs.refreshPage(access, request, look);
    seen.push(page);
    return page;
  };
  const criteria = { matches, metadata: metadataFilterOf(mark), oldest: Number.NEGATIVE_INFINITY };
  const { items, hasMore } = await scanJobs({ limit: 1, after: null }, criteria, read);
  if (items[0]?.value) return items[0].value;
  if (hasMore) throw new TooManyJobs();
  const rest = seen.flatMap((page) => page.items);
  if (rest.some(({ value }) => value !== undefined)) return null; // They are all the jobs: none has the key.
  const unreadable = rest.find(({ error }) => error !== undefined);
  if (unreadable?.error) throw unreadable.error;
  const newest = await read({ limit: JOBS_PER_PAGE, after: null });
  return newest.items.find(({ value }) => value && matches(value))?.value ?? null;
}
