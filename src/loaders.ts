import DataLoader from 'dataloader';
import type { Caller } from './store/flights.ts';
import type { Access } from './store/scope.ts';
import type { Store } from './store/store.ts';
import type { Job } from './upstream/job.ts';
import type { Page, PageRequest } from './upstream/page.ts';

/** What one request reads: a job that several fields name is read once, and is the same for them. */
export interface Loaders {
  /** The job with this id, null when there is none. Rejects with UpstreamError. */
  job(id: string): Promise<Job | null>;
  /** One page of the jobs. Rejects with UpstreamError. */
  jobs(page: PageRequest): Promise<Page<Job>>;
}

export function createLoaders(store: Store, access: Access, caller: Caller): Loaders {
  const jobs = new DataLoader<string, Job | null>((ids) =>
    Promise.all(ids.map((id) => store.job(access, id, caller).catch(asError))),
  );
  return {
    job: (id) => jobs.load(id),
    jobs: (request) => store.jobs(access, request, caller),
  };
}

// DataLoader takes a failure of one key as an Error in its place.
function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error('The read was ended.', { cause: reason });
}
