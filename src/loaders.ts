import DataLoader from 'dataloader';
import type { Caller } from './store/flights.ts';
import type { Access } from './store/scope.ts';
import type { Store } from './store/store.ts';
import type { Job } from './upstream/job.ts';
import type { Page, PageRequest } from './upstream/page.ts';

/** What one request reads, each thing once: two fields that name the same job see the same job. */
export interface Loaders {
  /** The job with this id, null when there is none. Rejects with UpstreamError. */
  job(id: string): Promise<Job | null>;
  /** One page of the jobs; its jobs then answer `job` too. Rejects with UpstreamError. */
  jobs(page: PageRequest): Promise<Page<Job>>;
}

export function createLoaders(store: Store, access: Access, caller: Caller): Loaders {
  const jobs = new DataLoader<string, Job | null>((ids) =>
    Promise.all(ids.map((id) => store.job(access, id, caller).catch(asError))),
  );
  const pages: Page<Job>[] = [];
  const onPage = (id: string) => pages.flatMap(({ items }) => items).find((item) => item.id === id)?.value;
  return {
    job: async (id) => onPage(id) ?? jobs.load(id),
    async jobs(request) {
      const page = await store.jobs(access, request, caller);
      pages.push(page);
      return page;
    },
  };
}

// DataLoader takes a failure of one key as an Error in its place.
function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error('The read was ended.', { cause: reason });
}
